import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { LogStorage } from '@millrace/lag-monitor';
import type { Log } from '@millrace/log';
import type { KafkaFinding } from '@millrace/log-kafka';
import { Fault, isFault, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';

/** The configured log, embedded or Kafka: the only place that knows which. */
export interface PipelineLog extends Log {
  /** What the log holds, and what it may; undefined where that cannot be told. */
  storage(): Promise<LogStorage | undefined>;
}

export interface OpenLogOptions {
  /** Only to look: nothing is made. */
  readonly readOnly?: boolean;
}

type EmbeddedConfig = NonNullable<Config['log']['embedded']>;
type KafkaConfig = NonNullable<Config['log']['kafka']>;

/** Partitions that a new topic is made with. */
export function partitionsOf({ config }: LoadedConfig): number {
  const { embedded, kafka } = config.log;
  return kafka?.topics.partitions ?? embedded?.partitions ?? 1;
}

/** Where the embedded log keeps its files; undefined for Kafka. */
export function logFolderOf({ config, folder }: LoadedConfig): string | undefined {
  return config.log.embedded && resolve(folder, config.log.embedded.path);
}

/** The log, made when there is none, unless `readOnly`. Drivers are loaded when they are needed. */
export async function openLog(
  loaded: LoadedConfig,
  logger: Logger,
  options: OpenLogOptions = {},
): Promise<PipelineLog> {
  const { embedded, kafka } = loaded.config.log;
  if (kafka) return openKafka(loaded, kafka, logger, options);
  return openEmbedded(loaded, embedded as EmbeddedConfig, logger, options);
}

/** For looking alone: undefined when there is no log yet, for nothing has ever run. Leaves nothing behind. */
export async function openLogToRead(loaded: LoadedConfig, logger: Logger): Promise<PipelineLog | undefined> {
  const folder = logFolderOf(loaded);
  if (folder !== undefined && !existsSync(folder)) return undefined;
  try {
    return await openLog(loaded, logger, { readOnly: true });
  } catch (error) {
    if (isFault(error, 'MR-3015')) return undefined;
    throw error;
  }
}

async function openEmbedded(
  loaded: LoadedConfig,
  { path, max_bytes, retention }: EmbeddedConfig,
  logger: Logger,
  { readOnly = false }: OpenLogOptions,
): Promise<PipelineLog> {
  const { openEmbeddedLog } = await import('@millrace/log-embedded');
  const folder = resolve(loaded.folder, path);
  const log = await openEmbeddedLog({
    path: folder,
    readOnly,
    ...(max_bytes !== undefined && { max_bytes }),
    retention: { bytes: retention.bytes, age_ms: retention.age, followers: retention.followers },
    clock: systemClock,
    logger,
  });
  /** Its own limit, or what is left of the disk, whichever is less. */
  const storage = async (): Promise<LogStorage> => {
    const { used_bytes } = await log.stats();
    const disk = await statfs(folder);
    const room_bytes = used_bytes + disk.bavail * disk.bsize;
    return { used_bytes, limit_bytes: Math.min(max_bytes ?? room_bytes, room_bytes) };
  };
  return Object.assign(log, { storage });
}

/** What `openKafkaLog` of the Kafka adapter takes, from the configuration. */
export function kafkaOptions({ config }: LoadedConfig, kafka: KafkaConfig) {
  const { brokers, tls, sasl, topics } = kafka;
  const { replication, min_insync, compression, retention } = topics;
  return {
    brokers,
    prefix: config.pipeline,
    tls: typeof tls === 'boolean' ? tls : definedOnly(tls),
    ...(sasl && { sasl }),
    topics: {
      ...(replication !== undefined && { replication }),
      ...(min_insync !== undefined && { minInsync: min_insync }),
      compression,
      retention_ms: retention,
    },
    clock: systemClock,
  };
}

async function openKafka(
  loaded: LoadedConfig,
  kafka: KafkaConfig,
  logger: Logger,
  { readOnly = false }: OpenLogOptions,
): Promise<PipelineLog> {
  const { openKafkaLog } = await import('@millrace/log-kafka');
  const log = await openKafkaLog({ ...kafkaOptions(loaded, kafka), readOnly, logger }).catch(givenUp);
  /** Kafka's retention is by age. Without the figure a sample is whole: a topic in trouble must not hide who stopped over it. */
  const storage = async (): Promise<LogStorage | undefined> => {
    const used_bytes = await log.stats().then(
      (stats) => stats.used_bytes,
      () => undefined,
    );
    return used_bytes === undefined ? undefined : { used_bytes, keeps_ms: kafka.topics.retention };
  };
  return Object.assign(log, { storage });
}

/** Once running, Millrace waits for brokers for as long as it takes; a start ends, and must not say otherwise. */
function givenUp(error: unknown): never {
  if (!isFault(error, 'MR-3008')) throw error;
  const { code, detail, context, cause } = error;
  const remedy = 'Check `log.kafka.brokers`, the network and that the brokers run, then start again.';
  throw new Fault(code, { detail, context, cause, remedy });
}

/** Without the keys that are undefined: absent and undefined are two things to a port. */
function definedOnly<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}

/** What a preflight finds at the brokers. Undefined: the pipeline's topics are not made yet. Leaves nothing behind. */
export async function lookAtKafka(
  loaded: LoadedConfig,
  logger: Logger,
): Promise<readonly KafkaFinding[] | undefined> {
  const { kafka } = loaded.config.log;
  if (!kafka) return [];
  const { openKafkaLog } = await import('@millrace/log-kafka');
  try {
    const log = await openKafkaLog({ ...kafkaOptions(loaded, kafka), readOnly: true, logger }).catch(givenUp);
    return await log.check().finally(() => log.close());
  } catch (error) {
    if (isFault(error, 'MR-3015')) return undefined;
    throw error;
  }
}
