import { systemClock } from '@millrace/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, batchRecord, fenceOf, headOf, packEvents, type SampleEvent } from './conformance/events.js';
import { eventFlags } from './event-header.js';
import type { MemoryLog } from './memory/log.js';
import { MemoryLogServer } from './memory/server.js';
import type { RecordCursor } from './packed-records.js';
import type { AppendedRange } from './port.js';
import { readRecordEvents } from './record-reader.js';
import type { BatchRecord, RecordRange } from './records.js';

const names = ['', 'shop.public.orders', 'shop.public.items'];
const topicName = (number: number): string => names[number] as string;
const partitions = 3;

async function freshLog(): Promise<MemoryLog> {
  const log = new MemoryLogServer({ clock: systemClock }).open();
  for (const name of names.slice(1)) await log.createTopic(name, partitions);
  return log;
}

async function append(
  log: MemoryLog,
  topic: number,
  partition: number,
  events: readonly SampleEvent[],
): Promise<AppendedRange> {
  const [range] = await log
    .appender(fenceOf(1))
    .append([{ topic: topicName(topic), partition, records: packEvents(events) }]);
  return range as AppendedRange;
}

const rangeOf = (topic: number, range: AppendedRange, count: number): RecordRange => ({
  topic,
  partition: range.partition,
  first: range.first,
  last: range.last,
  count,
});

const recordOf = (log: MemoryLog, ranges: readonly RecordRange[], from = 100n, to = 200n): BatchRecord =>
  batchRecord(headOf(log, fenceOf(1), 2n), at(from), at(to), ranges);

interface Read {
  readonly places: string[];
  readonly topics: number[];
}

async function read(log: MemoryLog, record: BatchRecord, max_bytes = 1 << 20): Promise<Read> {
  const places: string[] = [];
  const topics: number[] = [];
  const sink = {
    event(topic: number, event: RecordCursor): void {
      places.push(`${event.commit}.${event.ordinal}`);
      topics.push(topic);
    },
  };
  await readRecordEvents(log, record, topicName, sink, { signal: AbortSignal.timeout(5_000), max_bytes });
  return { places, topics };
}

describe('reading the events of a record (§5)', () => {
  it('R18: keeps its own epoch’s events within from ≤ commit < to, once each', async () => {
    const log = await freshLog();
    const range = await append(log, 1, 0, [
      { commit: 99n, ordinal: 0n },
      { commit: 100n, ordinal: 0n },
      { commit: 100n, ordinal: 1n, epoch: 7 },
      { commit: 100n, ordinal: 1n },
      { commit: 100n, ordinal: 1n, flags: eventFlags.tombstone },
      { commit: 100n, ordinal: 0n },
      { commit: 100n, ordinal: 1n },
      { commit: 150n, ordinal: 0n, flags: eventFlags.initialChunk },
      { commit: 150n, ordinal: 2n },
      { commit: 120n, ordinal: 9n },
      { commit: 200n, ordinal: 0n },
    ]);
    const { places } = await read(log, recordOf(log, [rangeOf(1, range, 3)]));
    expect(places).toEqual(['100.0', '100.1', '150.2']);
  });

  it('faults with CountMismatch when the log holds fewer or more than the record names', async () => {
    const log = await freshLog();
    const range = await append(log, 1, 0, [
      { commit: 100n, ordinal: 0n },
      { commit: 100n, ordinal: 1n },
    ]);
    for (const count of [1, 3])
      await expect(read(log, recordOf(log, [rangeOf(1, range, count)]))).rejects.toMatchObject({
        code: 'MR-3004',
      });
  });

  it('faults when retention, compaction or a recreated topic took events of any range', async () => {
    const log = await freshLog();
    const one = await append(log, 1, 0, [{ commit: 100n, ordinal: 0n }]);
    const two = await append(log, 2, 1, [
      { commit: 100n, ordinal: 1n },
      { commit: 100n, ordinal: 2n },
    ]);
    const record = recordOf(log, [rangeOf(1, one, 1), rangeOf(2, two, 2)]);
    expect((await read(log, record)).places).toHaveLength(3);
    log.server.tamper(topicName(2), 1, (records) => records.slice(1));
    await expect(read(log, record)).rejects.toMatchObject({ code: 'MR-3004' });
    await log.trim({
      progressBefore: 0n,
      eventsBefore: [{ topic: topicName(1), partition: 0, offset: one.last + 1n }],
    });
    await expect(read(log, record)).rejects.toMatchObject({ code: 'MR-3003' });
  });

  it('R19: concludes nothing from holes, also at the last offset', async () => {
    const server = new MemoryLogServer({ clock: systemClock, faults: { append: () => ({ hole: 3 }) } });
    const log = server.open();
    await log.createTopic(topicName(1), 1);
    const one = await append(log, 1, 0, [{ commit: 100n, ordinal: 0n }]);
    const two = await append(log, 1, 0, [{ commit: 100n, ordinal: 1n }]);
    const three = await append(log, 1, 0, [{ commit: 300n, ordinal: 0n }]);
    server.tamper(topicName(1), 0, (records) => records.filter(({ offset }) => offset !== three.first));
    const range = { ...rangeOf(1, one, 2), first: one.first - 2n, last: three.last };
    expect((await read(log, recordOf(log, [range]))).places).toEqual(['100.0', '100.1']);
    expect(two.first).toBe(one.last + 4n);
  });

  it('takes exactly the flagged rows of its own chunk in an initial chunk’s record', async () => {
    const log = await freshLog();
    const chunk = 5n << 32n;
    const initial = eventFlags.initialChunk;
    const range = await append(log, 1, 0, [
      { commit: 200n, ordinal: chunk, flags: initial },
      { commit: 200n, ordinal: chunk + 1n },
      { commit: 199n, ordinal: chunk + 1n, flags: initial },
      { commit: 200n, ordinal: (6n << 32n) + 1n, flags: initial },
      { commit: 200n, ordinal: chunk + 1n, flags: initial },
    ]);
    const record: BatchRecord = {
      ...recordOf(log, [rangeOf(1, range, 2)], 200n, 200n),
      chunk: { snapshot: 1, table: 1, chunk: 5, cursor: null },
    };
    expect((await read(log, record)).places).toEqual([`200.${chunk}`, `200.${chunk + 1n}`]);
    const window = { after: null, upTo: null };
    const windowed = { ...record, chunk: { ...record.chunk!, window } };
    await expect(read(log, windowed)).rejects.toMatchObject({ code: 'MR-3004' });
  });

  it('R24: merges any split over partitions into commit order, whatever the batch size', async () => {
    const commits = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 });
    const lanes = fc.array(fc.integer({ min: 0, max: 2 * partitions - 1 }), { minLength: 60, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(commits, lanes, fc.integer({ min: 1, max: 400 }), async (sizes, split, max_bytes) => {
        const log = await freshLog();
        const byLane = new Map<number, SampleEvent[]>();
        const expected: string[] = [];
        let n = 0;
        sizes.forEach((size, c) => {
          for (let i = 0; i < size; i++) {
            // Halves above 2^31 compare as unsigned.
            const event = { commit: 0x9000_0000n + BigInt(c), ordinal: BigInt(i) << 31n };
            const lane = split[n++] as number;
            byLane.set(lane, [...(byLane.get(lane) ?? []), event]);
            expected.push(`${event.commit}.${event.ordinal}`);
          }
        });
        const ranges: RecordRange[] = [];
        for (const [lane, events] of byLane) {
          const topic = 1 + Math.floor(lane / partitions);
          ranges.push(rangeOf(topic, await append(log, topic, lane % partitions, events), events.length));
        }
        const { places } = await read(log, recordOf(log, ranges, 1n, 0x9000_1000n), max_bytes);
        expect(places).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('waits for room after an event, and stops at once when aborted there', async () => {
    const log = await freshLog();
    const events = Array.from({ length: 5 }, (_, i) => ({ commit: 100n, ordinal: BigInt(i) }));
    const one = await append(log, 1, 0, events);
    const two = await append(
      log,
      1,
      1,
      events.map(({ commit, ordinal }) => ({ commit, ordinal: ordinal + 10n })),
    );
    const stop = new AbortController();
    for (const ranges of [[rangeOf(1, one, 5)], [rangeOf(1, one, 5), rangeOf(1, two, 5)]]) {
      let seen = 0;
      const reading = readRecordEvents(
        log,
        recordOf(log, ranges),
        topicName,
        {
          event: () => seen++,
          room: () => (seen === 3 ? new Promise((go) => setTimeout(go, 5)) : undefined),
        },
        { signal: stop.signal, max_bytes: 1 << 20 },
      );
      await Promise.resolve();
      await reading;
      expect(seen).toBe(ranges.length * 5);
    }
    let seen = 0;
    const sink = {
      event: () => seen++,
      room: () => {
        stop.abort();
        return Promise.resolve();
      },
    };
    const options = { signal: stop.signal, max_bytes: 1 << 20 };
    await expect(
      readRecordEvents(log, recordOf(log, [rangeOf(1, one, 5)]), topicName, sink, options),
    ).rejects.toThrow(/abort/i);
    expect(seen).toBe(1);
  });

  it('says that it waits, and rejects with the reason when aborted while waiting', async () => {
    const log = await freshLog();
    const stop = new AbortController();
    const waits: string[] = [];
    const record = recordOf(log, [{ topic: 1, partition: 0, first: 0n, last: 3n, count: 4 }]);
    const reading = readRecordEvents(
      log,
      record,
      topicName,
      { event: () => {} },
      {
        signal: stop.signal,
        max_bytes: 1 << 20,
        onWait: ({ topic, partition }) => waits.push(`${topic}/${partition}`),
      },
    );
    const outcome = expect(reading).rejects.toThrow(/abort/i);
    while (waits.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await outcome;
    expect(waits).toEqual(['shop.public.orders/0']);
  });

  it('finds nothing to do in a record without ranges', async () => {
    const log = await freshLog();
    expect((await read(log, recordOf(log, []))).places).toEqual([]);
  });
});
