import { fetchJars, findJava, type JarLock, type Java, readJarLock } from '@millrace/maven-jars';

/** The jars would run on 17; a peer is not measured on an old compiler and collector. */
const java_atLeast = 21;

/** The source connector, of the release that test/debezium compares with ours event by event. */
export const sourceLock = new URL('../../../debezium.lock.json', import.meta.url);
/** Source and JDBC sink of the newest release of which Maven's central repository holds both with all they need. */
export const jdbcLock = new URL('../../../debezium-jdbc.lock.json', import.meta.url);

/** Kafka Connect with Debezium's connectors on its class path, and a Java to run them. */
export interface ConnectProgram {
  readonly java: Java;
  readonly classPath: string;
  readonly lock: JarLock;
}

/** Throws MR-7003 to MR-7006, saying what is missing, when jars or a Java are not to be had. */
export async function connectProgram(lockFile: URL): Promise<ConnectProgram> {
  const java = await findJava({ atLeast: java_atLeast });
  const lock = readJarLock(lockFile);
  return { java, lock, classPath: await fetchJars(lock) };
}

/** `Debezium 3.6.1.Final, Kafka Connect 4.3.1 standalone, Java 25`, for descriptions. */
export function inWords({ lock, java }: ConnectProgram): string {
  const version = (name: string): string =>
    lock.jars.find(({ artifact }) => artifact === name)?.version ?? 'of unknown version';
  const debezium = version('debezium-connector-postgres');
  return `Debezium ${debezium}, Kafka Connect ${version('connect-runtime')} standalone, Java ${java.major}`;
}
