import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { Fault } from '@millrace/runtime';
import { unpackedJava } from './unpacked-java.js';

/** A Java on this machine. */
export interface Java {
  /** Path of `java`. */
  readonly program: string;
  /** For JAVA_HOME. */
  readonly home: string;
  /** Feature release: 17, 21, 25 … */
  readonly major: number;
}

const version_ms_max = 20_000;

/** The feature release in what `java -version` prints: `openjdk version "17.0.15" …` → 17, `"1.8.0_392"` → 8. */
export function majorOf(text: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (first === undefined) return undefined;
  return Number(first === '1' ? second : first);
}

/** Looks at one `java`; `undefined` when there is none or it does not run. */
async function inspect(program: string): Promise<Java | undefined> {
  try {
    const real = await realpath(program);
    await access(real, constants.X_OK);
    const text = await new Promise<string>((resolve, reject) => {
      execFile(real, ['-version'], { timeout: version_ms_max }, (error, stdout, stderr) =>
        error ? reject(error) : resolve(stderr + stdout),
      );
    });
    const major = majorOf(text);
    return major === undefined ? undefined : { program: real, home: dirname(dirname(real)), major };
  } catch {
    return undefined;
  }
}

/** Where JDKs are installed by Linux distributions and by macOS, one folder each. */
const installFolders = ['/usr/lib/jvm', '/usr/java', '/opt/java', '/Library/Java/JavaVirtualMachines'];

async function installed(): Promise<string[]> {
  const lists = installFolders.map(async (folder) => {
    const names = await readdir(folder).catch(() => []);
    return names
      .sort()
      .flatMap((name) => [join(folder, name, 'bin', 'java'), join(folder, name, 'Contents/Home/bin/java')]);
  });
  return (await Promise.all(lists)).flat();
}

/** Places to look for `java` in, best first: what the user says, what the shell would run, what is installed. */
export async function javaPlaces(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const { JAVA_HOME, PATH } = environment;
  return [
    ...(JAVA_HOME ? [join(JAVA_HOME, 'bin', 'java')] : []),
    ...(PATH ?? '').split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, 'java')])),
    ...(await installed()),
  ];
}

const found = new Map<number, Java>();

/** What a program needs of Java. */
export interface JavaNeed {
  /** The lowest feature release that will do. */
  readonly atLeast: number;
}

/**
 * The first Java of at least that release: of JAVA_HOME, of the PATH, of those installed on the machine, or else
 * Debian's, unpacked into the user's cache. Throws MR-7006.
 */
export async function findJava({ atLeast }: JavaNeed): Promise<Java> {
  const known = found.get(atLeast);
  if (known !== undefined) return known;
  const seen: number[] = [];
  for (const place of await javaPlaces(process.env)) {
    const java = await inspect(place);
    if (java === undefined) continue;
    if (java.major >= atLeast) {
      found.set(atLeast, java);
      return java;
    }
    seen.push(java.major);
  }
  const unpacked = await inspect((await unpackedJava(atLeast)) ?? '');
  if (unpacked !== undefined) {
    found.set(atLeast, unpacked);
    return unpacked;
  }
  const others =
    seen.length === 0 ? '' : `; there is ${[...new Set(seen)].map((major) => `Java ${major}`).join(', ')}`;
  throw new Fault('MR-7006', { detail: `Java ${atLeast} or later is needed${others}`, context: { atLeast } });
}
