import { describe, expect, it } from 'vitest';
import { type TopicKind, topicFindings, topicPlan } from './topic-settings.js';

const present = (settings: Readonly<Record<string, string>>, replication = 3) => ({
  configs: new Map(Object.entries(settings)),
  replication,
});

describe('a topic that is made', () => {
  it('has three replicas of which two must have an append, or as many as there are brokers', () => {
    const of = (brokers: number) => {
      const { replication, configs } = topicPlan('events', 4, brokers, {});
      return [replication, configs['min.insync.replicas']];
    };
    expect([1, 2, 3, 7].map(of)).toEqual([
      [1, '1'],
      [2, '1'],
      [3, '2'],
      [3, '2'],
    ]);
  });

  it('keeps what its kind must keep, by the brokers’ clock (R20)', () => {
    expect(topicPlan('events', 2, 3, { retention_ms: 1000 }).configs).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '1000',
      'message.timestamp.type': 'LogAppendTime',
      'unclean.leader.election.enable': 'false',
    });
    expect(topicPlan('progress', 9, 3, { retention_ms: 1000 })).toMatchObject({
      partitions: 1,
      configs: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' },
    });
    expect(topicPlan('table', 9, 3, {})).toMatchObject({
      partitions: 1,
      configs: { 'cleanup.policy': 'compact' },
    });
  });

  it('is as it is told', () => {
    const { replication, configs } = topicPlan('events', 1, 5, {
      replication: 5,
      minInsync: 3,
      maxMessage_bytes: 99,
    });
    expect([replication, configs['min.insync.replicas'], configs['max.message.bytes']]).toEqual([
      5,
      '3',
      '99',
    ]);
  });
});

describe('a topic that exists', () => {
  const severities = (kind: TopicKind, settings: Readonly<Record<string, string>>, options = {}) =>
    topicFindings(kind, 't', present(settings), options).map(({ severity }) => severity);

  it('as we make it, is fine', () => {
    for (const kind of ['events', 'progress', 'table'] as const)
      expect(severities(kind, topicPlan(kind, 1, 3, {}).configs)).toEqual([]);
  });

  it.each<[string, TopicKind, Readonly<Record<string, string>>, string]>([
    ['events that are compacted', 'events', { 'cleanup.policy': 'compact,delete' }, 'error'],
    ['a table that forgets by age', 'table', { 'cleanup.policy': 'delete' }, 'error'],
    ['progress with a retention', 'progress', { 'retention.ms': '604800000' }, 'error'],
    ['progress with a limit', 'progress', { 'retention.bytes': '1' }, 'error'],
    ['unclean elections', 'events', { 'unclean.leader.election.enable': 'true' }, 'warning'],
    ['too few in sync', 'events', { 'min.insync.replicas': '1' }, 'warning'],
    [
      'retention by the producers’ clocks',
      'events',
      { 'message.timestamp.type': 'CreateTime', 'retention.ms': '9' },
      'warning',
    ],
    ['compression by the brokers', 'events', { 'compression.type': 'zstd' }, 'warning'],
  ])('is told of %s, with the command that mends it', (_, kind, change, severity) => {
    const settings = { ...topicPlan(kind, 1, 3, {}).configs, ...change };
    const findings = topicFindings(kind, 'shop.t', present(settings), {});
    expect(findings).toMatchObject([
      { severity, fix: expect.stringMatching(/--entity-name shop\.t --add-config/) },
    ]);
  });
});
