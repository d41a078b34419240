import type { CountingRecord, ProgressRecord } from '@millrace/log';
import { type Lsn, lsn, type Position } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { planGroup } from './grouping.js';

const at = (end: number, history = 0): Position => ({ history, end: lsn(BigInt(end)) });

function counting(
  to: Position,
  record: Partial<ProgressRecord> & { kind: ProgressRecord['kind'] },
): CountingRecord {
  const state = { logId: new Uint8Array(16), epoch: 1, nonce: new Uint8Array(16), seq: 1n, to, offset: 0n };
  return { offset: 0n, record: record as ProgressRecord, state };
}

const batch = (
  end: number,
  events: number,
  barrier = false,
  topics: readonly number[] = [],
): CountingRecord =>
  counting(at(end), {
    kind: 'progress',
    events: BigInt(events),
    barrier,
    ranges: topics.map((topic) => ({ topic, partition: 0, first: 0n, last: 0n, count: 1 })),
  });
const schema = (end: number): CountingRecord => counting(at(end), { kind: 'schema' });
const claim = (end: number): CountingRecord => counting(at(end), { kind: 'claim' });
const fork = (forkAt: number, end: number): CountingRecord =>
  counting(at(end, 1), { kind: 'open', at: at(end, 1), fork: { forkAt: lsn(BigInt(forkAt)) as Lsn } });

const limits = { events: 100, records: 10, position: at(0) };

describe('Planning the next follower transaction', () => {
  it('takes everything that has gathered, up to the limits', () => {
    expect(planGroup({ ...limits, pending: [batch(1, 40), claim(1), batch(2, 60)] })).toEqual({ records: 3 });
    expect(planGroup({ ...limits, pending: [batch(1, 40), batch(2, 61)] })).toEqual({ records: 1 });
    expect(planGroup({ ...limits, records: 1, pending: [batch(1, 1), batch(2, 1)] })).toEqual({ records: 1 });
  });

  it('gives a record beyond the limits a transaction of its own', () => {
    expect(planGroup({ ...limits, pending: [batch(1, 5_000), batch(2, 1)] })).toEqual({ records: 1 });
  });

  it('touches no more tables than stores can hold open, unless one record does', () => {
    const tables = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
    const pending = (...topics: readonly number[][]) => topics.map((some, i) => batch(i + 1, 1, false, some));
    expect(planGroup({ ...limits, pending: pending(tables(0, 40), tables(20, 44)) })).toEqual({ records: 2 });
    expect(planGroup({ ...limits, pending: pending(tables(0, 40), tables(20, 45)) })).toEqual({ records: 1 });
    expect(planGroup({ ...limits, pending: pending(tables(0, 500), tables(0, 1)) })).toEqual({ records: 1 });
  });

  it('ends before and after a schema change and a barrier', () => {
    expect(planGroup({ ...limits, pending: [batch(1, 1), schema(1), batch(2, 1)] })).toEqual({ records: 1 });
    expect(planGroup({ ...limits, pending: [schema(1), batch(2, 1)] })).toEqual({ records: 1 });
    expect(planGroup({ ...limits, pending: [batch(1, 1, true), batch(2, 1)] })).toEqual({ records: 1 });
  });

  it('stops before the first record that a fork ahead retracts', () => {
    const pending = [batch(10, 1), batch(20, 1), batch(30, 1), fork(20, 20)];
    expect(planGroup({ ...limits, pending })).toEqual({ records: 2 });
  });

  it('takes retracted records together with the fork that retracts them', () => {
    const pending = [batch(30, 1), batch(40, 1), fork(20, 20), batch(50, 1)];
    expect(planGroup({ ...limits, position: at(10), pending })).toEqual({ records: 3, forkAt: 20n });
  });

  it('takes a fork that retracts nothing by itself', () => {
    expect(planGroup({ ...limits, position: at(20), pending: [fork(20, 20), batch(30, 1)] })).toEqual({
      records: 1,
    });
  });
});
