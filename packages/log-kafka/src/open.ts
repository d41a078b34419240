import { setMaxListeners } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { Fault } from '@millrace/runtime';
import { Cluster, type KnownTopic } from './connection/cluster.js';
import { parseEndpoint } from './endpoints.js';
import { KafkaLogHandle } from './kafka-log.js';
import type { KafkaLog, KafkaLogOptions } from './options.js';
import { type PersistSurroundings, persist } from './persist.js';
import { TopicAdmin } from './topic-admin.js';
import { progressTopicOf } from './topic-names.js';
import { Topics } from './topics.js';
import { Waits } from './waits.js';

const open_ms_default = 15_000;

/**
 * Opens the log of a pipeline, and makes its progress topic if there is none (unless `readOnly`: MR-3015). Looks for brokers for `open_ms`,
 * visibly in the logger, then is MR-3008. Faults: MR-1003 for an address; MR-3016 credentials, MR-3017 privileges, MR-3018 certificates,
 * MR-3019 a broker that is too old, MR-3021 a progress topic that would lose records. Once open, brokers that go away are waited for.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { clock, logger, prefix, open_ms = open_ms_default } = options;
  const closing = new AbortController();
  // Every pause of every request listens to it.
  setMaxListeners(0, closing.signal);
  const surroundings: PersistSurroundings = {
    clock,
    waits: new Waits(clock, logger),
    closing: closing.signal,
  };
  const cluster = new Cluster(options.brokers.map(parseEndpoint), {
    clientId: `millrace-${prefix}`,
    tls: tlsOf(options),
    sasl: options.sasl && { ...options.sasl },
    logger,
  });
  const topics = new Topics(cluster, surroundings);
  const admin = new TopicAdmin(topics, surroundings, options.topics ?? {}, logger);
  topics.isProgress(progressTopicOf(prefix));
  try {
    await persist(surroundings, { doing: 'looking for brokers', deadline_ms: open_ms }, () =>
      cluster.describe([]),
    );
    const progress = await findProgress(options, { cluster, topics, admin, surroundings, open_ms });
    return new KafkaLogHandle(options, { cluster, topics, admin, surroundings, closing, progress });
  } catch (error) {
    closing.abort();
    cluster.close();
    throw error;
  }
}

async function findProgress(
  { readOnly, prefix }: KafkaLogOptions,
  {
    cluster,
    topics,
    admin,
    surroundings,
    open_ms,
  }: {
    cluster: Cluster;
    topics: Topics;
    admin: TopicAdmin;
    surroundings: PersistSurroundings;
    open_ms: number;
  },
): Promise<KnownTopic> {
  const name = progressTopicOf(prefix);
  if (!readOnly) return await admin.ensure('progress', name, 1, open_ms);
  const found = await persist(surroundings, { doing: `looking for ${name}`, deadline_ms: open_ms }, () =>
    cluster.ask(name),
  );
  if (!found) throw new Fault('MR-3015', { detail: `the brokers have no topic ${name}` });
  return await topics.find(name);
}

/** Certificates are verified, always: who cannot trust the system's authorities names others. */
function tlsOf({ tls }: KafkaLogOptions): ConnectionOptions | undefined {
  if (!tls) return undefined;
  if (tls === true) return { rejectUnauthorized: true };
  return { ...tls, rejectUnauthorized: true };
}
