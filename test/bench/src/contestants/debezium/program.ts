import { fetchJars, findJava, type JarLock, type Java, readJarLock } from '@millrace/maven-jars';

/** Debezium 3.6 is made of class files of this release. */
const java_atLeast = 21;
const lockFile = new URL('../../../debezium.lock.json', import.meta.url);

/** Kafka Connect with Debezium's connector on its class path, and a Java to run them. */
export interface ConnectProgram {
  readonly java: Java;
  readonly classPath: string;
  readonly lock: JarLock;
}

/** Throws MR-7003 to MR-7006, saying what is missing, when jars or a Java are not to be had. */
export async function connectProgram(): Promise<ConnectProgram> {
  const java = await findJava({ atLeast: java_atLeast });
  const lock = readJarLock(lockFile);
  return { java, lock, classPath: await fetchJars(lock) };
}

/** The version of a locked jar, for descriptions. */
export function versionOf(lock: JarLock, artifact: string): string {
  return lock.jars.find((jar) => jar.artifact === artifact)?.version ?? 'unknown';
}
