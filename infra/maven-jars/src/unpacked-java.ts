import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DebianRoot, debianRoot } from '@millrace/debian-packages';
import { Fault } from '@millrace/runtime';
import { trustedAuthorities, trustStore } from './trust-store.js';

/** Releases with long support, which are those Debian packages. */
const releases = [17, 21, 25];
const dump_ms_max = 60_000;

/** `java` below an unpacked `openjdk-*-jre-headless`. */
async function javaIn({ folder }: DebianRoot): Promise<string | undefined> {
  const jvms = join(folder, 'usr', 'lib', 'jvm');
  const names = await readdir(jvms).catch(() => []);
  return names.map((name) => join(jvms, name, 'bin', 'java')).find((program) => existsSync(program));
}

/**
 * What the packages' scripts do at installation: trust the authorities the system trusts, and archive the classes of
 * the JDK, which halves the start.
 */
async function finishJava(root: DebianRoot): Promise<void> {
  const program = await javaIn(root);
  if (program === undefined) throw new Error(`no bin/java in ${root.folder}`);
  const cacerts = join(program, '..', '..', 'lib', 'security', 'cacerts');
  if (!existsSync(cacerts)) {
    await rm(cacerts, { force: true }); // a link that leads nowhere
    await writeFile(cacerts, trustStore(trustedAuthorities()));
  }
  await promisify(execFile)(program, ['-Xshare:dump'], { timeout: dump_ms_max, cwd: root.folder });
}

/** Path of `java` as Debian packages it, of the first release from `atLeast` that is there. Throws MR-7003, MR-7007. */
export async function unpackedJava(atLeast: number): Promise<string> {
  let failure: unknown = new Fault('MR-7007', { detail: `none is known to hold Java ${atLeast}` });
  for (const release of releases.filter((each) => each >= atLeast)) {
    const packages = [`openjdk-${release}-jre-headless`];
    try {
      const program = await javaIn(await debianRoot({ packages, finish: finishJava }));
      if (program !== undefined) return program;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
