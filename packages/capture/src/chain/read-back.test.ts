import {
  ChainReader,
  type ClaimRecord,
  encodeRecord,
  FollowerReports,
  MemoryLogServer,
  type OpenRecord,
} from '@millrace/log';
import { lsn, type Position, startOfHistory } from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { ReadBack } from './read-back.js';

const nonceOf = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const opened: Position = { history: 0, end: lsn(100n) };

/** A log with a claim, its read-back, and what puts records of that claim behind it. */
async function bench() {
  const log = new MemoryLogServer({ clock: systemClock }).open();
  const identity = { logId: log.id, epoch: 1, nonce: nonceOf(1) };
  const claim = async (epoch: number): Promise<void> => {
    const nonce = nonceOf(epoch);
    const record: ClaimRecord = {
      ...{ logId: log.id, epoch, nonce, seq: 0n },
      ...{ kind: 'claim', host: 'test', pid: 1, version: 'test' },
    };
    await log.progress.appendClaim(encodeRecord(record), { epoch, nonce });
  };
  await claim(1);
  const reader = new ChainReader(log, { kind: 'start' });
  await reader.readToHead();
  const confirmed: Position[] = [];
  const readBack = new ReadBack({
    reader,
    identity,
    reports: new FollowerReports(log),
    position: startOfHistory,
    onCounts: (position) => confirmed.push(position),
  });
  const open: OpenRecord = {
    ...{ ...identity, seq: 1n, kind: 'open', at: opened, systemId: 7n, timeline: 1 },
    ...{ ancestry: [], layout: [], snapshots: [], relations: [] },
  };
  const appender = log.appender({ epoch: 1, nonce: nonceOf(1) });
  const appendOpen = async (): Promise<bigint> =>
    (await appender.publish([], () => encodeRecord(open))).offset;
  return { claim, appendOpen, readBack, confirmed };
}

describe('a record that is read back', () => {
  it('counts, though the copy that was acknowledged is the second of two', async () => {
    const { appendOpen, readBack, confirmed } = await bench();
    await appendOpen();
    readBack.acknowledged(await appendOpen(), 1n);
    await readBack.settled();
    expect(confirmed).toEqual([opened]);
  });

  it('is fenced when a successor claimed before it landed', async () => {
    const { claim, appendOpen, readBack, confirmed } = await bench();
    await claim(2);
    readBack.acknowledged(await appendOpen(), 1n);
    await expect(readBack.failed).rejects.toMatchObject({ code: 'MR-2009' });
    expect(confirmed).toEqual([]);
  });
});
