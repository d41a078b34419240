import { type Anchor, type FollowerReport, FollowerReports, MemoryLogServer } from '@millrace/log';
import { lsn } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { trimPoint, trimProgress } from './progress-trimming.js';

const logId = new Uint8Array(16).fill(1);
const nonce = new Uint8Array(16);
const position = { history: 0, end: lsn(50n) };
const anchorAt = (offset: bigint): Anchor => ({ offset, epoch: 1, nonce, seq: 1n, position });
const reportAt = (offset: bigint, follower = 'a', log: Uint8Array = logId): FollowerReport => ({
  follower,
  logId: log,
  storeId: nonce,
  owner: nonce,
  state: 'exact',
  position,
  anchor: anchorAt(offset),
  reportedAt_ms: 0,
  tablesBuilding: [],
});

describe('progress records', () => {
  const facts = { logId, anchor: anchorAt(90n), earlierAnchor: anchorAt(80n) };

  it('are kept from the least registered anchor on (§10)', () => {
    const reports = [reportAt(70n), reportAt(40n, 'b'), reportAt(60n, 'c')];
    expect(trimPoint({ ...facts, reports })).toBe(40n);
  });

  it('are kept from the checkpoint on that a newcomer may have read a while ago', () => {
    expect(trimPoint({ ...facts, reports: [] })).toBe(80n);
    expect(trimPoint({ ...facts, reports: [reportAt(85n)] })).toBe(80n);
  });

  it('are all kept while no checkpoint is known, or a follower stands at the very start', () => {
    expect(trimPoint({ ...facts, earlierAnchor: undefined, reports: [] })).toBeUndefined();
    expect(trimPoint({ ...facts, anchor: undefined, reports: [] })).toBeUndefined();
    expect(trimPoint({ ...facts, reports: [reportAt(-1n)] })).toBeUndefined();
  });

  it('are not kept for positions in another log', () => {
    expect(trimPoint({ ...facts, reports: [reportAt(5n, 'a', new Uint8Array(16))] })).toBe(80n);
  });
});

describe('trimming', () => {
  const surroundings = { clock: systemClock, logger: silentLogger, random: () => 0.5 };

  async function trimmed(needsTrim: boolean): Promise<bigint> {
    const server = new MemoryLogServer({ clock: systemClock, needsTrim });
    const log = server.open();
    for (let i = 0; i < 10; i++) server.progress.append([new Uint8Array([i])]);
    const reports = new FollowerReports(log);
    await reports.writeAnchor(anchorAt(6n));
    await reports.report(reportAt(4n, 'a', log.id));
    const stop = new AbortController();
    const running = trimProgress({ log, reports, surroundings, trim_ms: 1, signal: stop.signal });
    for (let i = 0; i < 50 && server.progress.low === 0n; i++) await systemClock.sleep(2);
    stop.abort();
    await running;
    return server.progress.low;
  }

  it('is done for a log that would keep its progress records for ever', async () => {
    expect(await trimmed(true)).toBe(4n);
  });

  it('is left to a log with a retention of its own', async () => {
    expect(await trimmed(false)).toBe(0n);
  });
});
