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
  /** All that `java -version` says; tells builds of one release apart. */
  readonly version: string;
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
      // A JVM does not start in a folder that was removed, which ours may have been.
      execFile(real, ['-version'], { timeout: version_ms_max, cwd: '/' }, (error, stdout, stderr) =>
        error ? reject(error) : resolve(stderr + stdout),
      );
    });
    const major = majorOf(text);
    if (major === undefined) return undefined;
    return { program: real, home: dirname(dirname(real)), major, version: text.trim() };
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

/** What a program needs of Java. */
export interface JavaNeed {
  /** The lowest feature release that will do. */
  readonly atLeast: number;
}

/** Searches of this process: looking at a Java takes a tenth of a second. */
const searches = new Map<number, Promise<Java>>();

/**
 * The first Java of at least that release: of JAVA_HOME, of the PATH, of those installed on the machine, or else
 * Debian's, unpacked into the user's cache. Throws MR-7006.
 */
export function findJava({ atLeast }: JavaNeed): Promise<Java> {
  const known = searches.get(atLeast);
  if (known !== undefined) return known;
  const search = searchJava(atLeast);
  searches.set(atLeast, search);
  search.catch(() => searches.delete(atLeast)); // one may be installed meanwhile
  return search;
}

async function searchJava(atLeast: number): Promise<Java> {
  const older = new Set<number>();
  for (const place of await javaPlaces(process.env)) {
    const java = await inspect(place);
    if (java !== undefined && java.major >= atLeast) return java;
    if (java !== undefined) older.add(java.major);
  }
  const there = older.size === 0 ? '' : `; there is ${[...older].map((major) => `Java ${major}`).join(', ')}`;
  const missing = (why: string, cause?: unknown): Fault =>
    new Fault('MR-7006', {
      detail: `Java ${atLeast} or later is needed${there}. Of Debian’s packages: ${why}`,
      context: { atLeast },
      cause,
    });
  const unpacked = await unpackedJava(atLeast).catch((cause: unknown) => {
    throw missing(cause instanceof Error ? cause.message : String(cause), cause);
  });
  const java = await inspect(unpacked);
  if (java === undefined) throw missing(`${unpacked} does not run`);
  return java;
}
