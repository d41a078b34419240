import { systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { anchorOf } from './chain.js';
import { ChainReader } from './chain-reader.js';
import { at, batchRecord, claimBytes, fenceOf, headOf, openRecord } from './conformance/events.js';
import type { MemoryLog } from './memory/log.js';
import { progressTopic } from './memory/partition.js';
import { MemoryLogServer } from './memory/server.js';
import { encodeRecord } from './record-codec.js';
import type { Anchor } from './records.js';

const fresh = (): MemoryLogServer => new MemoryLogServer({ clock: systemClock });

async function claim(log: MemoryLog, epoch: number, nonce = epoch): Promise<void> {
  const fence = fenceOf(epoch, nonce);
  await log.progress.appendClaim(claimBytes(log, fence), fence);
}

/** A claim, an open at 10 and `count` batches, each 10 further. */
async function epochOf(log: MemoryLog, epoch: number, from: bigint, count: number): Promise<void> {
  const fence = fenceOf(epoch);
  await claim(log, epoch);
  const appender = log.appender(fence);
  let end = from;
  await appender.publish([], () => encodeRecord(openRecord(headOf(log, fence, 1n), at(end))));
  for (let i = 0; i < count; i++) {
    const record = batchRecord(headOf(log, fence, BigInt(i + 2)), at(end), at(end + 10n));
    await appender.publish([], () => encodeRecord(record));
    end += 10n;
  }
}

async function anchorAt(log: MemoryLog, index: number): Promise<Anchor> {
  const found = await new ChainReader(log, { kind: 'start' }).readToHead();
  return anchorOf(found[index]!.state);
}

describe('the chain reader', () => {
  it('hands on only what counts, and says where it stands', async () => {
    const log = fresh().open();
    await epochOf(log, 1, 10n, 3);
    await claim(log, 1, 77);
    await epochOf(log, 2, 40n, 2);
    const reader = new ChainReader(log, { kind: 'start' });
    const found = await reader.readToHead();
    expect(found.map(({ record }) => record.kind)).toEqual([
      'claim',
      'open',
      'progress',
      'progress',
      'progress',
      'claim',
      'open',
      'progress',
      'progress',
    ]);
    expect(reader.state).toMatchObject({ epoch: 2, seq: 3n, to: at(60n) });
    expect(reader.nextOffset).toBe((await log.progress.watermarks()).high);
    expect(await reader.readToHead()).toEqual([]);
  });

  it('reads on from an anchor as if it had read from the start', async () => {
    const log = fresh().open();
    await epochOf(log, 1, 10n, 3);
    const anchor = await anchorAt(log, 2);
    await epochOf(log, 2, 40n, 1);
    const fromStart = new ChainReader(log, { kind: 'start' });
    await fromStart.readToHead();
    const fromAnchor = new ChainReader(log, { kind: 'anchor', anchor, logId: log.id });
    const seen: bigint[] = [];
    await fromAnchor.readToHead(({ offset }) => seen.push(offset));
    expect(fromAnchor.state).toEqual(fromStart.state);
    expect(seen[0]).toBe(anchor.offset + 1n);
  });

  it('follows the head, and loses nothing when broken off and taken up again', async () => {
    const log = fresh().open();
    const writer = log.server.open();
    const reader = new ChainReader(log, { kind: 'start' });
    const stop = new AbortController();
    const kinds: string[] = [];
    const take = async (count: number): Promise<void> => {
      for await (const { record } of reader.next(stop.signal)) {
        kinds.push(record.kind);
        if (--count === 0) break;
      }
    };
    const first = take(2);
    await epochOf(writer, 1, 10n, 2);
    await first;
    await take(1);
    const waiting = take(9);
    await epochOf(writer, 2, 30n, 0);
    stop.abort();
    await waiting;
    expect(kinds.slice(0, 3)).toEqual(['claim', 'open', 'progress']);
    expect(new Set(kinds)).toEqual(new Set(['claim', 'open', 'progress']));
  });

  it('R4: refuses to start at offset 0 once something was trimmed', async () => {
    const log = fresh().open();
    await epochOf(log, 1, 10n, 3);
    await log.trim({ progressBefore: 2n, eventsBefore: [] });
    await expect(new ChainReader(log, { kind: 'start' }).readToHead()).rejects.toMatchObject({
      code: 'MR-3003',
    });
  });

  it('finds an anchor gone: trimmed, rewound, recreated, foreign', async () => {
    const server = fresh();
    const log = server.open();
    await epochOf(log, 1, 10n, 2);
    const old = server.image();
    const early = await anchorAt(log, 2);
    await epochOf(log, 2, 30n, 3);
    const late = await anchorAt(log, 7);
    const verify = (anchor: Anchor, logId?: Uint8Array): Promise<void> =>
      new ChainReader(log, { kind: 'anchor', anchor, ...(logId && { logId }) }).verify();

    await verify(late, log.id);
    await expect(verify(late, new Uint8Array(16))).rejects.toMatchObject({ code: 'MR-3006' });

    await log.trim({ progressBefore: early.offset + 1n, eventsBefore: [] });
    await verify(early);
    await log.trim({ progressBefore: early.offset + 2n, eventsBefore: [] });
    await expect(verify(early)).rejects.toMatchObject({ code: 'MR-3003' });

    server.restore(old);
    await verify(early);
    await expect(verify(late)).rejects.toMatchObject({ code: 'MR-3007' });
    // The restored log goes on under other claims: what stands at the old offset is not ours.
    await claim(log, 2, 50);
    for (let nonce = 51; nonce < 56; nonce++) await claim(log, 2, nonce);
    await expect(verify(late)).rejects.toMatchObject({ code: 'MR-3006' });
  });

  it('stays before the record that broke the chain', async () => {
    const server = fresh();
    const log = server.open();
    await epochOf(log, 1, 10n, 3);
    server.tamper(progressTopic, 0, (records) => records.filter(({ offset }) => offset !== 3n));
    const reader = new ChainReader(log, { kind: 'start' });
    await expect(reader.readToHead()).rejects.toMatchObject({ code: 'MR-3001' });
    const { state } = reader;
    expect(state.offset).toBe(2n);
    await expect(reader.readToHead()).rejects.toMatchObject({ code: 'MR-3001' });
    expect(reader.state).toEqual(state);
  });
});
