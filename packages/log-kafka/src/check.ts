import { isFault } from '@millrace/runtime';
import type { KnownTopic } from './connection/cluster.js';
import type { KafkaFinding, KafkaLogOptions } from './options.js';
import type { TopicAdmin } from './topic-admin.js';
import { progressTopicOf } from './topic-names.js';
import { type TopicKind, topicFindings } from './topic-settings.js';
import type { Topics } from './topics.js';
import { createTopics, describeCluster, describeConfigs } from './wire/admin-apis.js';
import { deleteRecords, listOffsets, metadata } from './wire/apis.js';
import { fetch, produceByName } from './wire/data-apis.js';
import { kafkaErrors } from './wire/error-codes.js';

/** Numbers of Kafka's AclOperation: bits of what a user may do. */
const operations = { read: 3, write: 4, create: 5, delete: 6, describe: 8, describeConfigs: 10 } as const;
const needed = [metadata, fetch, produceByName, listOffsets, createTopics, deleteRecords, describeConfigs];
const durableReplicas = 2;

export interface CheckAccess {
  readonly topics: Topics;
  readonly admin: TopicAdmin;
  readonly options: KafkaLogOptions;
  /** The pipeline's event topics. */
  readonly events: readonly string[];
}

/** Everything a preflight can tell about the brokers and the pipeline's topics; one attempt. */
export async function checkKafka(access: CheckAccess): Promise<KafkaFinding[]> {
  const { topics, options, events } = access;
  const findings = [...(await brokerFindings(topics)), ...(await clusterFindings(topics, options))];
  const { prefix } = options;
  const present: { readonly name: string; readonly kind: TopicKind }[] = [
    { name: progressTopicOf(prefix), kind: 'progress' },
    ...events.map((name) => ({ name, kind: 'events' as const })),
  ];
  for (const { name, kind } of present) {
    findings.push(...(await topicFindingsOf(access, name, kind)));
  }
  findings.push(
    ...(await privilegeFindings(
      topics,
      present.map(({ name }) => name),
    )),
  );
  return findings;
}

/** A topic that this user may not even see is a finding, and no reason to leave out the others. */
async function topicFindingsOf(access: CheckAccess, name: string, kind: TopicKind): Promise<KafkaFinding[]> {
  try {
    const topic = await access.topics.get(name);
    return [...replicaFindings(topic, kind), ...(await settingsFindings(access, topic, kind))];
  } catch (error) {
    if (!isFault(error, 'MR-3017')) throw error;
    return [{ severity: 'error', finding: error.detail, fix: `Grant DESCRIBE and READ on topic ${name}.` }];
  }
}

async function brokerFindings({ cluster }: Topics): Promise<KafkaFinding[]> {
  const findings: KafkaFinding[] = [];
  for (const [id, { host, port }] of cluster.brokers)
    for (const api of needed)
      if (!(await cluster.broker(id, 'ask').speaks(api)))
        findings.push({
          severity: 'error',
          finding: `broker ${id} (${host}:${port}) does not speak ${api.name} in version ${api.version}`,
          fix: 'Use Apache Kafka 3.1 or newer.',
        });
  return findings;
}

async function clusterFindings(
  { cluster }: Topics,
  { topics = {} }: KafkaLogOptions,
): Promise<KafkaFinding[]> {
  const wanted = topics.replication;
  const brokers = cluster.brokers.size;
  if (wanted !== undefined && wanted > brokers)
    return [
      {
        severity: 'error',
        finding: `log.kafka.topics.replication is ${wanted}, but ${brokers} brokers are there`,
        fix: 'Start more brokers, or lower the replication.',
      },
    ];
  return [];
}

function replicaFindings({ name, partitions }: KnownTopic, kind: TopicKind): KafkaFinding[] {
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const behind = partitions.filter(({ inSync, replicas: all }) => inSync.length < all.length).length;
  const findings: KafkaFinding[] = [];
  if (replicas < durableReplicas)
    findings.push({
      severity: 'warning',
      finding: `topic ${name} has one replica: ${kind === 'progress' ? 'the log' : 'its events'} would be lost with that broker`,
      fix: 'Run at least three brokers and give the topic three replicas (kafka-reassign-partitions.sh).',
    });
  if (behind > 0)
    findings.push({
      severity: 'warning',
      finding: `topic ${name} has ${behind} of ${partitions.length} partitions with replicas that are not in sync`,
      fix: 'Look after the brokers that are behind or away.',
    });
  return findings;
}

async function settingsFindings(
  { admin, options }: CheckAccess,
  topic: KnownTopic,
  kind: TopicKind,
): Promise<readonly KafkaFinding[]> {
  const configs = await admin.settings(topic.name);
  if (!configs)
    return [
      {
        severity: 'warning',
        finding: `this user may not see the settings of topic ${topic.name}: they are not checked`,
        fix: `Grant DESCRIBE_CONFIGS on topic ${topic.name}.`,
      },
    ];
  const replication = topic.partitions[0]?.replicas.length ?? 1;
  return topicFindings(kind, topic.name, { configs, replication }, options.topics ?? {});
}

/** Where brokers have no authorizer, everything is allowed. */
async function privilegeFindings({ cluster }: Topics, names: readonly string[]): Promise<KafkaFinding[]> {
  const findings: KafkaFinding[] = [];
  const lacks = (mask: number, operation: number): boolean => (mask & (1 << operation)) === 0;
  const { topics } = await cluster.describe(names, true);
  for (const { name, operations: mask } of topics) {
    if (mask === undefined) continue;
    const missing = (['read', 'write', 'describe', 'delete'] as const).filter((one) =>
      lacks(mask, operations[one]),
    );
    if (missing.length > 0)
      findings.push({
        severity: 'warning',
        finding: `this user may not ${missing.join(', ')} topic ${name}`,
        fix: `Grant ${missing.join(', ').toUpperCase()} on topic ${name}: capture needs all of them, appliers and monitors READ and DESCRIBE (and WRITE on __millrace topics).`,
      });
  }
  const { error, operations: mask } = await cluster.any(describeCluster, undefined);
  if (error === kafkaErrors.none && lacks(mask, operations.create))
    findings.push({
      severity: 'warning',
      finding: 'this user may not create topics on the cluster',
      fix: 'Grant CREATE on topics with the pipeline’s prefix and on __millrace., or create them beforehand.',
    });
  return findings;
}
