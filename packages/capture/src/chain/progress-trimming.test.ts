import { type Anchor, type FollowerReport, FollowerReports, MemoryLogServer } from '@millrace/log';
import { lsn } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { trimPoint, trimProgress } from './progress-trimming.js';
import { decodeMarks, encodeMarks, keptFrom, type TrimMark, withMark } from './trim-marks.js';

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
  it('are kept from the least registered anchor on (§10)', () => {
    const reports = [reportAt(70n), reportAt(40n, 'b'), reportAt(60n, 'c')];
    expect(trimPoint({ logId, keptFrom: 80n, reports })).toBe(40n);
  });

  it('are kept for a time whoever is ahead, so that a backup of a follower can go on from there', () => {
    expect(trimPoint({ logId, keptFrom: 80n, reports: [] })).toBe(80n);
    expect(trimPoint({ logId, keptFrom: 80n, reports: [reportAt(85n)] })).toBe(80n);
  });

  it('are all kept until that time has passed once, and while a follower stands at the very start', () => {
    expect(trimPoint({ logId, keptFrom: undefined, reports: [] })).toBeUndefined();
    expect(trimPoint({ logId, keptFrom: 80n, reports: [reportAt(-1n)] })).toBeUndefined();
  });

  it('are not kept for positions in another log', () => {
    expect(trimPoint({ logId, keptFrom: 80n, reports: [reportAt(5n, 'a', nonce)] })).toBe(80n);
  });
});

describe('marks of the time', () => {
  const after_ms = 1_600;
  const run = (count: number): readonly TrimMark[] => {
    let marks: readonly TrimMark[] = [];
    for (let i = 0; i < count; i++) marks = withMark(marks, { at_ms: i * 50, offset: BigInt(i) }, after_ms);
    return marks;
  };

  it('stay few, and tell what was the newest checkpoint so long ago, not much earlier', () => {
    const marks = run(1_000);
    expect(marks.length).toBeLessThan(20);
    const now_ms = 999 * 50;
    const at = Number(keptFrom(marks, now_ms, after_ms)) * 50;
    expect(at).toBeLessThanOrEqual(now_ms - after_ms);
    expect(at).toBeGreaterThan(now_ms - after_ms - 150);
  });

  it('tell nothing before that time has passed', () => {
    expect(keptFrom(run(10), 450, after_ms)).toBeUndefined();
  });

  it('are forgotten when the clock was put back, so that less is trimmed', () => {
    const back = withMark(run(1_000), { at_ms: 100, offset: 2_000n }, after_ms);
    expect(back).toEqual([{ at_ms: 100, offset: 2_000n }]);
    expect(keptFrom(back, 200, after_ms)).toBeUndefined();
  });

  it('survive the log, but not a log of another identity', () => {
    const marks = run(100);
    expect(decodeMarks(encodeMarks(marks, logId), logId)).toEqual(marks);
    expect(decodeMarks(encodeMarks(marks, logId), nonce)).toEqual([]);
    expect(decodeMarks(undefined, logId)).toEqual([]);
    expect(() => decodeMarks(Buffer.from('{'), logId)).toThrow(expect.objectContaining({ code: 'MR-3012' }));
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
    const limits = { trim_ms: 1, trimAfter_ms: 5 };
    const running = trimProgress({ log, reports, surroundings, limits, signal: stop.signal });
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
