import { entry, type FaultEntry } from './entry.js';

/** 7xxx. Local servers, of the demo and of tests. */
export const localServerFaults = {
  'MR-7001': entry(
    'LocalServerUnavailable',
    'exit',
    69,
    'The program of a local server is not installed and could not be had.',
    'Install what the message names, or give a server’s URL.',
  ),
  'MR-7002': entry(
    'LocalServerFailed',
    'exit',
    69,
    'A local server (PostgreSQL, Kafka, Redis) did not start, stop or answer.',
    'Read the server’s log lines in the message.',
  ),
  'MR-7003': entry(
    'LocalFolderUnsafe',
    'exit',
    77,
    'No temporary folder can be used safely by a local server.',
    'Point TMPDIR at a folder of your own that other users can traverse but not write.',
  ),
  'MR-7004': entry(
    'JarsUnavailable',
    'exit',
    69,
    'The jars of a Java program that a local server or a test runs could not be fetched.',
    'Install Maven, or set MILLRACE_MAVEN_URL to the URL of a Maven repository.',
  ),
  'MR-7005': entry(
    'JarNotAsLocked',
    'exit',
    65,
    'A fetched jar is not the one that the lock file names.',
    'Fetch from another repository. Never run the jar.',
  ),
  'MR-7006': entry(
    'JavaMissing',
    'exit',
    69,
    'No Java of the needed version is on this machine.',
    'Install a Java runtime of the version in the message, or set JAVA_HOME to it.',
  ),
  'MR-7007': entry(
    'DebianPackageUnavailable',
    'exit',
    69,
    'A Debian package could not be fetched into the cache.',
    'Install the package that the message names with the system’s package manager.',
  ),
} as const satisfies Record<string, FaultEntry>;
