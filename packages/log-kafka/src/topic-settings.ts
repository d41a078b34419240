import type { KafkaTopicOptions } from './options.js';

/** What a topic of ours is for. */
export type TopicKind = 'events' | 'progress' | 'table';

export interface TopicPlan {
  readonly partitions: number;
  readonly replication: number;
  readonly configs: Readonly<Record<string, string>>;
}

const replication_default = 3;
const maxMessage_bytes_default = 64 * 1024 * 1024;
/** Tables are small and often overwritten: compaction looks at them soon. */
const tableSegment_ms = 10 * 60 * 1000;
const tableDirtyRatio = 0.1;

/** How a topic is made (R20: no compaction of events, broker append time; no election of a replica that lacks acknowledged appends). */
export function topicPlan(
  kind: TopicKind,
  partitions: number,
  brokers: number,
  options: KafkaTopicOptions,
): TopicPlan {
  const replication = options.replication ?? Math.min(replication_default, Math.max(1, brokers));
  const minInsync = options.minInsync ?? Math.max(1, replication - 1);
  const common = {
    'min.insync.replicas': String(minInsync),
    'unclean.leader.election.enable': 'false',
    'message.timestamp.type': 'LogAppendTime',
    'compression.type': 'producer',
    'max.message.bytes': String(options.maxMessage_bytes ?? maxMessage_bytes_default),
  };
  const kept = { 'retention.ms': '-1', 'retention.bytes': '-1' };
  switch (kind) {
    case 'events':
      return {
        partitions,
        replication,
        configs: {
          ...common,
          'cleanup.policy': 'delete',
          'retention.ms': String(options.retention_ms ?? -1),
          'retention.bytes': '-1',
        },
      };
    case 'progress':
      return { partitions: 1, replication, configs: { ...common, ...kept, 'cleanup.policy': 'delete' } };
    case 'table':
      return {
        partitions: 1,
        replication,
        configs: {
          ...common,
          'cleanup.policy': 'compact',
          'segment.ms': String(tableSegment_ms),
          'min.cleanable.dirty.ratio': String(tableDirtyRatio),
        },
      };
  }
}

export interface TopicFinding {
  readonly severity: 'error' | 'warning';
  readonly finding: string;
  readonly fix: string;
}

/** What is wrong with an existing topic's settings; the log never changes them itself. */
export function topicFindings(
  kind: TopicKind,
  name: string,
  present: { readonly configs: ReadonlyMap<string, string>; readonly replication: number },
  options: KafkaTopicOptions,
): TopicFinding[] {
  const { configs, replication } = present;
  const findings: TopicFinding[] = [];
  const wanted = topicPlan(kind, 1, replication, { ...options, replication });
  const fix = (key: string, value: string): string =>
    `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${key}=${value}`;
  const policy = configs.get('cleanup.policy') ?? 'delete';
  const isCompacted = policy.includes('compact');
  if (kind !== 'table' && isCompacted)
    findings.push({
      severity: 'error',
      finding: `topic ${name} has cleanup.policy=${policy}: compaction removes what a lagging follower needs (R20)`,
      fix: fix('cleanup.policy', 'delete'),
    });
  if (kind === 'table' && policy !== 'compact')
    findings.push({
      severity: 'error',
      finding: `topic ${name} has cleanup.policy=${policy}: positions and anchors would be removed by age`,
      fix: fix('cleanup.policy', 'compact'),
    });
  if (configs.get('unclean.leader.election.enable') === 'true')
    findings.push({
      severity: 'warning',
      finding: `topic ${name} allows unclean leader elections: acknowledged records may be lost`,
      fix: fix('unclean.leader.election.enable', 'false'),
    });
  const asked = options.minInsync ?? Number(wanted.configs['min.insync.replicas']);
  const minInsync = Number(configs.get('min.insync.replicas') ?? 1);
  if (minInsync < asked)
    findings.push({
      severity: 'warning',
      finding: `topic ${name} has min.insync.replicas=${minInsync}, fewer than ${asked}: an append may be acknowledged by a replica that then is lost`,
      fix: fix('min.insync.replicas', String(asked)),
    });
  if (kind === 'progress' && (configs.get('retention.ms') ?? '-1') !== '-1')
    findings.push({
      severity: 'error',
      finding: `topic ${name} has retention.ms=${configs.get('retention.ms')}: progress records would be removed by age`,
      fix: fix('retention.ms', '-1'),
    });
  if (kind === 'progress' && (configs.get('retention.bytes') ?? '-1') !== '-1')
    findings.push({
      severity: 'error',
      finding: `topic ${name} has retention.bytes=${configs.get('retention.bytes')}: progress records would be removed by size`,
      fix: fix('retention.bytes', '-1'),
    });
  if (
    kind === 'events' &&
    configs.get('message.timestamp.type') === 'CreateTime' &&
    (configs.get('retention.ms') ?? '-1') !== '-1'
  )
    findings.push({
      severity: 'warning',
      finding: `topic ${name} keeps producers’ timestamps: retention goes by the clock of the capture's machine (R20)`,
      fix: fix('message.timestamp.type', 'LogAppendTime'),
    });
  if (configs.get('compression.type') !== undefined && configs.get('compression.type') !== 'producer')
    findings.push({
      severity: 'warning',
      finding: `topic ${name} has compression.type=${configs.get('compression.type')}: brokers compress every batch anew`,
      fix: fix('compression.type', 'producer'),
    });
  return findings;
}
