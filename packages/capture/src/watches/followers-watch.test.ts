import type { FollowerReport } from '@millrace/log';
import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import type { ChainFacts } from '../chain/chain-facts.js';
import { testRelation } from '../memory/shop.js';
import { newSnapshot } from '../snapshot/states.js';
import { followerPositions, unservedTopics } from './followers-watch.js';

const logId = new Uint8Array(16).fill(1);
const at = { history: 0, end: lsn(50n) };

const report = (parts: Partial<FollowerReport>): FollowerReport => ({
  follower: 'a',
  logId,
  storeId: new Uint8Array(16),
  owner: new Uint8Array(16),
  state: 'exact',
  position: at,
  anchor: { offset: 10n, epoch: 1, nonce: new Uint8Array(16), seq: 1n, position: at },
  reportedAt_ms: 0,
  tablesBuilding: [],
  ...parts,
});

describe('the applied position', () => {
  it('is known only of exact followers of this log and history', () => {
    const reports = [
      report({}),
      report({ follower: 'b', state: 'building' }),
      report({ follower: 'c', logId: new Uint8Array(16) }),
      report({ follower: 'd', position: { history: 1, end: lsn(60n) } }),
    ];
    expect(followerPositions(['a', 'b', 'c', 'd', 'e'], reports, logId, 0)).toEqual([50n, 0n, 0n, 0n, 0n]);
  });
});

describe('a follower’s wish for a snapshot', () => {
  const topics = new Map(
    [1, 2].map((number) => [number, { number, name: `t${number}`, partitions: 1, covered: [] }]),
  );
  const shapes = new Map(
    [1, 2].map((topic) => [topic, { topic, version: 1, relation: testRelation(topic, `t${topic}`) }]),
  );
  const facts = (
    ...snapshots: ChainFacts['snapshots']
  ): Pick<ChainFacts, 'topics' | 'snapshots' | 'shapes'> => ({
    topics,
    shapes,
    snapshots,
  });
  const wish = (number: number, ...wanted: string[]): FollowerReport =>
    report({ state: 'building', requests: [{ kind: 'snapshot', topics: wanted, number }] });

  it('is for all tables, or for those it names', () => {
    expect(unservedTopics([wish(0)], logId, facts(), undefined)).toEqual([1, 2]);
    expect(unservedTopics([wish(0, 't2')], logId, facts(), undefined)).toEqual([2]);
  });

  it('is served by a later snapshot under way that holds the table', () => {
    const running = newSnapshot([], [1], at);
    expect(unservedTopics([wish(0)], logId, facts(running), undefined)).toEqual([2]);
    expect(unservedTopics([wish(1)], logId, facts(running), undefined)).toEqual([1, 2]);
  });

  it('is served by one that is finished but that the follower has not come to', () => {
    expect(unservedTopics([wish(1)], logId, facts(), { id: 2, offset: 11n })).toEqual([]);
    expect(unservedTopics([wish(1)], logId, facts(), { id: 2, offset: 10n })).toEqual([1, 2]);
  });

  it('of another log is none of ours', () => {
    expect(unservedTopics([{ ...wish(0), logId: new Uint8Array(16) }], logId, facts(), undefined)).toEqual(
      [],
    );
  });
});
