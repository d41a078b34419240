import { createHash } from 'node:crypto';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, makeOnce, ServerProcess, userCacheFolder } from '@millrace/local-process';
import { fetchJars, findJava, type Java, readJarLock } from '@millrace/maven-jars';
import { brokerProgram } from './broker.js';
import { jvmOptions, loggingText } from './jvm.js';
import { propertiesText } from './properties.js';
import { formatByTool, newClusterId } from './storage.js';

/** Kafka's programs, ready to run on this machine. */
export interface Distribution {
  readonly java: Java;
  readonly classpath: string;
  /** Options for every JVM of ours. */
  readonly options: readonly string[];
  /** What formatting a node's storage leaves, the same for every cluster without SCRAM users. */
  readonly bootstrapCheckpoint: string;
}

/** Kafka 4 needs this release; the jars are class files of 17. */
const java_atLeast = 17;
/** Raise when what `prepare` leaves changes: old caches are then left alone. */
const recipe = 1;

const lockFile = new URL('../kafka.lock.json', import.meta.url);

/** Names of files in the prepared folder. */
const archive = 'classes.jsa';
const checkpoint = 'bootstrap.checkpoint';
const logging = 'log4j2.yaml';

/**
 * Starts and ends a broker once, for what later starts are quicker by: the archive of its loaded classes (start takes
 * 1.8 s with it and 4.3 s without) and the formatted storage's only file.
 */
async function prepare(folder: string, java: Java, classpath: string): Promise<void> {
  await writeFile(join(folder, logging), loggingText);
  const trial = join(folder, 'trial');
  const dataDir = join(trial, 'data');
  await mkdir(dataDir, { recursive: true });
  const [controllerPort, internalPort, clientPort] = [await freePort(), await freePort(), await freePort()];
  const plan = { id: 1, controllerPort, internalPort, clientPort };
  const security = { protocol: 'PLAINTEXT', settings: {} } as const;
  const properties = join(trial, 'server.properties');
  await writeFile(properties, propertiesText(plan, [plan], dataDir, security, {}));
  const options = [...jvmOptions, `-Dlog4j2.configurationFile=${join(folder, logging)}`];
  const programs = { java, classpath, options };
  await formatByTool(programs, trial, newClusterId(), []);
  await copyFile(join(dataDir, checkpoint), join(folder, checkpoint));
  const recording = [...options, `-XX:ArchiveClassesAtExit=${join(folder, archive)}`];
  const broker = await ServerProcess.start(await brokerProgram({ ...programs, options: recording }, trial));
  await broker.stop('SIGTERM');
  await rm(trial, { recursive: true, force: true });
}

/** A folder name for what depends on the jars, the JVM and our options for it. */
async function preparedName(java: Java, classpath: string): Promise<string> {
  const hash = createHash('sha256');
  for (const part of [String(recipe), java.program, java.version, classpath, ...jvmOptions, loggingText])
    hash.update(`${part}\0`);
  return `kafka-${hash.digest('hex').slice(0, 16)}`;
}

/** Fetches, finds and prepares what brokers need; only the first call on a machine takes long. Throws MR-7002 to 7006. */
export async function kafkaDistribution(): Promise<Distribution> {
  const java = await findJava({ atLeast: java_atLeast });
  const classpath = await fetchJars(readJarLock(lockFile));
  const folder = join(userCacheFolder('kafka'), await preparedName(java, classpath));
  await makeOnce(folder, (building) => prepare(building, java, classpath));
  return {
    java,
    classpath,
    options: [
      ...jvmOptions,
      `-Dlog4j2.configurationFile=${join(folder, logging)}`,
      // A JVM that was updated in place ignores the archive and says nothing.
      `-XX:SharedArchiveFile=${join(folder, archive)}`,
    ],
    bootstrapCheckpoint: join(folder, checkpoint),
  };
}
