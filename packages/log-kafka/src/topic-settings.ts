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

/** A topic as it stands. */
interface PresentTopic {
  readonly kind: TopicKind;
  /** A setting's value; `undefined` where the broker told none. */
  setting(key: string): string | undefined;
  /** How many replicas are asked to hold a record before it is acknowledged. */
  readonly minInsync: number;
}

interface SettingCheck {
  readonly key: string;
  readonly severity: TopicFinding['severity'];
  /** What is wrong, to follow the topic's name; `undefined` where nothing is. */
  readonly wrong: (topic: PresentTopic, value: string | undefined) => string | undefined;
  readonly mended: (topic: PresentTopic) => string;
}

const checks: readonly SettingCheck[] = [
  {
    key: 'cleanup.policy',
    severity: 'error',
    wrong: ({ kind }, policy = 'delete') =>
      kind !== 'table' && policy.includes('compact')
        ? `has cleanup.policy=${policy}: compaction removes what a lagging follower needs (R20)`
        : undefined,
    mended: () => 'delete',
  },
  {
    key: 'cleanup.policy',
    severity: 'error',
    wrong: ({ kind }, policy = 'delete') =>
      kind === 'table' && policy !== 'compact'
        ? `has cleanup.policy=${policy}: positions and anchors would be removed by age`
        : undefined,
    mended: () => 'compact',
  },
  {
    key: 'unclean.leader.election.enable',
    severity: 'warning',
    wrong: (_, allowed) =>
      allowed === 'true' ? 'allows unclean leader elections: acknowledged records may be lost' : undefined,
    mended: () => 'false',
  },
  {
    key: 'min.insync.replicas',
    severity: 'warning',
    wrong: ({ minInsync }, replicas = '1') =>
      Number(replicas) < minInsync
        ? `has min.insync.replicas=${replicas}, fewer than ${minInsync}: an append may be acknowledged by a replica that then is lost`
        : undefined,
    mended: ({ minInsync }) => String(minInsync),
  },
  ...(['retention.ms', 'retention.bytes'] as const).map(
    (key): SettingCheck => ({
      key,
      severity: 'error',
      wrong: ({ kind }, bound = '-1') =>
        kind === 'progress' && bound !== '-1'
          ? `has ${key}=${bound}: progress records would be removed by ${key === 'retention.ms' ? 'age' : 'size'}`
          : undefined,
      mended: () => '-1',
    }),
  ),
  {
    key: 'message.timestamp.type',
    severity: 'warning',
    wrong: ({ kind, setting }, type) =>
      kind === 'events' && type === 'CreateTime' && (setting('retention.ms') ?? '-1') !== '-1'
        ? "keeps producers’ timestamps: retention goes by the clock of the capture's machine (R20)"
        : undefined,
    mended: () => 'LogAppendTime',
  },
  {
    key: 'compression.type',
    severity: 'warning',
    wrong: (_, type = 'producer') =>
      type !== 'producer' ? `has compression.type=${type}: brokers compress every batch anew` : undefined,
    mended: () => 'producer',
  },
];

/** What is wrong with an existing topic's settings; the log never changes them itself. */
export function topicFindings(
  kind: TopicKind,
  name: string,
  present: { readonly configs: ReadonlyMap<string, string>; readonly replication: number },
  options: KafkaTopicOptions,
): TopicFinding[] {
  const { configs, replication } = present;
  const plan = topicPlan(kind, 1, replication, { ...options, replication });
  const topic: PresentTopic = {
    kind,
    setting: (key) => configs.get(key),
    minInsync: options.minInsync ?? Number(plan.configs['min.insync.replicas']),
  };
  return checks.flatMap(({ key, severity, wrong, mended }) => {
    const trouble = wrong(topic, topic.setting(key));
    if (trouble === undefined) return [];
    const fix = `kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${key}=${mended(topic)}`;
    return [{ severity, finding: `topic ${name} ${trouble}`, fix }];
  });
}
