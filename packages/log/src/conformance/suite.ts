import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppendedRange, Appender, Log } from '../port.js';
import { encodeRecord } from '../record-codec.js';
import { at, batchRecord, claimBytes, eventsOf, fenceOf, headOf, openRecord, readPlaces } from './events.js';

/** One log under test, fresh and empty. */
export interface LogHarness {
  /** What the names of event topics begin with, for logs that share a server with others. Default `shop`. */
  readonly prefix?: string;
  /** Another handle on the same log, as another process would have one. */
  open(): Promise<Log>;
  /** Lets every process on the log die and the log come back, as far as this kind of log can. */
  crash?(): Promise<void>;
  /** Ends everything and removes the log. */
  destroy(): Promise<void>;
}

const wake_ms = 2_000;

/** Registers the tests that every adapter of the log port must pass. */
export function describeLogConformance(name: string, makeHarness: () => Promise<LogHarness>): void {
  describe(`${name} keeps the contract of the log port`, () => {
    let harness: LogHarness;
    let log: Log;
    let topic: string;
    beforeEach(async () => {
      harness = await makeHarness();
      topic = `${harness.prefix ?? 'shop'}.public.orders`;
      log = await harness.open();
    });
    afterEach(async () => {
      await log.close();
      await harness.destroy();
    });

    const claimed = async (epoch = 1): Promise<Appender> => {
      const fence = fenceOf(epoch);
      await log.progress.appendClaim(claimBytes(log, fence), fence);
      return log.appender(fence);
    };
    const reopened = async (): Promise<Log> => {
      await log.close();
      await harness.crash?.();
      log = await harness.open();
      return log;
    };
    const progressOffsets = async (): Promise<bigint[]> =>
      (await log.progress.read(0n, 1 << 20)).records.map((record) => record.offset);

    describe('topics', () => {
      it('has a 16-byte identity that every handle sees', async () => {
        const other = await harness.open();
        expect(log.id.length).toBe(16);
        expect(Buffer.from(other.id).equals(Buffer.from(log.id))).toBe(true);
        await other.close();
      });

      it('creates a topic once and refuses another partition count', async () => {
        await log.createTopic(topic, 3);
        await log.createTopic(topic, 3);
        await expect(log.createTopic(topic, 4)).rejects.toMatchObject({ code: 'MR-3005' });
        expect(await log.topics()).toEqual([{ name: topic, partitions: 3 }]);
        expect(await log.watermarks(topic, 2)).toEqual({ low: 0n, high: 0n });
      });

      it('refuses a topic or partition that does not exist', async () => {
        await log.createTopic(topic, 1);
        await expect(log.watermarks(topic, 1)).rejects.toMatchObject({ code: 'MR-3005' });
        await expect(log.watermarks('nowhere', 0)).rejects.toMatchObject({ code: 'MR-3005' });
      });
    });

    describe('appending', () => {
      it('hands out growing offsets and reads records back in order', async () => {
        await log.createTopic(topic, 2);
        const appender = await claimed();
        const [one] = await appender.append([{ topic, partition: 0, records: eventsOf(10n, 3) }]);
        const [two, other] = await appender.append([
          { topic, partition: 0, records: eventsOf(11n, 2) },
          { topic, partition: 1, records: eventsOf(12n, 1) },
        ]);
        expect(two!.first).toBeGreaterThan(one!.last);
        expect(other).toMatchObject({ topic, partition: 1 });
        expect(await readPlaces(log, { ...one!, last: two!.last })).toEqual([
          '10.0',
          '10.1',
          '10.2',
          '11.0',
          '11.1',
        ]);
        expect(await readPlaces(log, other!)).toEqual(['12.0']);
      });

      it('yields exactly the records of the range, cutting batches at both ends', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const [range] = await appender.append([{ topic, partition: 0, records: eventsOf(10n, 100) }]);
        const { first } = range!;
        const places = await readPlaces(
          log,
          { topic, partition: 0, first: first + 7n, last: first + 42n },
          64,
        );
        expect(places).toHaveLength(36);
        expect(places[0]).toBe('10.7');
        expect(places.at(-1)).toBe('10.42');
      });

      it('keeps what it was given when the caller reuses its memory afterwards', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const records = eventsOf(10n, 5);
        const [range] = await appender.append([{ topic, partition: 0, records }]);
        records.bytes.fill(0xff);
        expect(await readPlaces(log, range!)).toHaveLength(5);
      });

      it('publishes events and their record together, the record naming their offsets', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        let seen: readonly AppendedRange[] = [];
        const record = encodeRecord(openRecord(headOf(log, fenceOf(1), 1n), at(5n)));
        const published = await appender.publish(
          [{ topic, partition: 0, records: eventsOf(10n, 4) }],
          (ranges) => {
            seen = ranges;
            return record;
          },
        );
        expect(published.ranges).toEqual(seen);
        expect(seen).toHaveLength(1);
        const { records } = await log.progress.read(published.offset, 1);
        expect(Buffer.from(records[0]!.bytes).equals(Buffer.from(record))).toBe(true);
        expect(await readPlaces(log, seen[0]!)).toHaveLength(4);
      });

      it('publishes a record without events', async () => {
        const appender = await claimed();
        const bytes = encodeRecord(openRecord(headOf(log, fenceOf(1), 1n), at(5n)));
        const { offset, ranges } = await appender.publish([], () => bytes);
        expect(ranges).toEqual([]);
        expect((await log.progress.watermarks()).high).toBeGreaterThan(offset);
      });

      it('takes one transaction in any number of requests, far larger than a read batch', async () => {
        await log.createTopic(topic, 2);
        const appender = await claimed();
        const value = 'x'.repeat(900);
        let first: bigint | undefined;
        for (let part = 0; part < 40; part++) {
          const [range] = await appender.append([
            { topic, partition: part % 2, records: eventsOf(BigInt(part), 200, value) },
          ]);
          if (part === 0) first = range!.first;
        }
        const bytes = encodeRecord(openRecord(headOf(log, fenceOf(1), 1n), at(5n)));
        const { ranges } = await appender.publish(
          [{ topic, partition: 0, records: eventsOf(40n, 1) }],
          () => bytes,
        );
        const places = await readPlaces(
          log,
          { topic, partition: 0, first: first!, last: ranges[0]!.last },
          10_000,
        );
        expect(places).toHaveLength(20 * 200 + 1);
        expect(new Set(places).size).toBe(places.length);
        expect(places.at(-1)).toBe('40.0');
      });

      it('yields a record larger than the batch limit alone', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const [small] = await appender.append([{ topic, partition: 0, records: eventsOf(1n, 2) }]);
        const [large] = await appender.append([
          { topic, partition: 0, records: eventsOf(2n, 1, 'y'.repeat(3_000_000)) },
        ]);
        expect(await readPlaces(log, { ...small!, last: large!.last }, 1_000)).toEqual(['1.0', '1.1', '2.0']);
      });
    });

    describe('progress', () => {
      it('reads records in order, bounded by bytes, without waiting at the head', async () => {
        const appender = await claimed();
        for (let seq = 1n; seq <= 5n; seq++) {
          const head = headOf(log, fenceOf(1), seq);
          await appender.publish([], () =>
            encodeRecord(seq === 1n ? openRecord(head, at(5n)) : batchRecord(head, at(5n), at(5n))),
          );
        }
        const all = await progressOffsets();
        expect(all).toHaveLength(6);
        expect([...all].sort((a, b) => (a < b ? -1 : 1))).toEqual(all);
        const one = await log.progress.read(0n, 1);
        expect(one.records).toHaveLength(1);
        expect((await log.progress.read(one.next, 1)).records[0]!.offset).toBe(all[1]);
        const { high } = await log.progress.watermarks();
        expect((await log.progress.read(high, 1 << 20)).records).toEqual([]);
      });

      it('wakes a waiter on another handle when a record arrives', async () => {
        const reader = await harness.open();
        const appender = await claimed();
        const { high } = await reader.progress.watermarks();
        const woken = reader.progress.wait(high, AbortSignal.timeout(wake_ms));
        const bytes = encodeRecord(openRecord(headOf(log, fenceOf(1), 1n), at(5n)));
        await appender.publish([], () => bytes);
        await woken;
        expect((await reader.progress.watermarks()).high).toBeGreaterThan(high);
        expect((await reader.progress.read(high, 1)).records).toHaveLength(1);
        await reader.close();
      });

      it('ends a wait when its signal aborts or the handle is closed', async () => {
        const stop = new AbortController();
        const { high } = await log.progress.watermarks();
        const aborted = log.progress.wait(high, stop.signal);
        const closed = log.progress.wait(high, new AbortController().signal);
        stop.abort();
        await aborted;
        await log.close();
        await closed;
        await log.close();
      });
    });

    describe('waiting for events', () => {
      it('says so and goes on once the high watermark passes the range', async () => {
        const reader = await harness.open();
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const [head] = await appender.append([{ topic, partition: 0, records: eventsOf(1n, 1) }]);
        let waits = 0;
        const places: Promise<number> = (async () => {
          let count = 0;
          const range = { topic, partition: 0, first: head!.first, last: head!.last + 3n };
          const options = {
            signal: AbortSignal.timeout(wake_ms),
            max_bytes: 1 << 20,
            onWait: () => waits++,
          };
          for await (const batch of reader.read(range, options)) count += batch.count;
          return count;
        })();
        while (waits === 0) await new Promise((resolve) => setImmediate(resolve));
        await appender.append([{ topic, partition: 0, records: eventsOf(2n, 3) }]);
        expect(await places).toBe(4);
        expect(waits).toBe(1);
        await reader.close();
      });

      it('rejects when its signal aborts', async () => {
        await log.createTopic(topic, 1);
        const stop = new AbortController();
        const reading = (async () => {
          const range = { topic, partition: 0, first: 0n, last: 5n };
          for await (const batch of log.read(range, { signal: stop.signal, max_bytes: 1000 })) void batch;
        })();
        const outcome = expect(reading).rejects.toThrow();
        stop.abort();
        await outcome;
      });
    });

    describe('trimming', () => {
      it('raises the low watermarks and refuses what lies below', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const [old] = await appender.append([{ topic, partition: 0, records: eventsOf(1n, 50) }]);
        const [young] = await appender.append([{ topic, partition: 0, records: eventsOf(2n, 50) }]);
        const head = headOf(log, fenceOf(1), 1n);
        const { offset } = await appender.publish([], () => encodeRecord(openRecord(head, at(5n))));
        await log.trim({
          progressBefore: offset,
          eventsBefore: [{ topic, partition: 0, offset: young!.first }],
        });
        expect((await log.watermarks(topic, 0)).low).toBe(young!.first);
        expect((await log.progress.watermarks()).low).toBe(offset);
        await expect(readPlaces(log, old!)).rejects.toMatchObject({ code: 'MR-3003' });
        await expect(log.progress.read(0n, 1)).rejects.toMatchObject({ code: 'MR-3003' });
        expect(await readPlaces(log, young!)).toHaveLength(50);
        expect((await log.progress.read(offset, 1)).records).toHaveLength(1);
      });

      it('never lowers a low watermark nor passes the high one', async () => {
        await log.createTopic(topic, 1);
        const appender = await claimed();
        const [range] = await appender.append([{ topic, partition: 0, records: eventsOf(1n, 5) }]);
        const trimTo = (offset: bigint): Promise<void> =>
          log.trim({ progressBefore: 0n, eventsBefore: [{ topic, partition: 0, offset }] });
        await trimTo(range!.last + 100n);
        const { low, high } = await log.watermarks(topic, 0);
        expect(low).toBe(high);
        await trimTo(range!.first);
        expect((await log.watermarks(topic, 0)).low).toBe(low);
        const [next] = await appender.append([{ topic, partition: 0, records: eventsOf(2n, 2) }]);
        expect(next!.first).toBeGreaterThan(range!.last);
        expect(await readPlaces(log, next!)).toEqual(['2.0', '2.1']);
      });
    });

    describe('durability', () => {
      it('keeps everything acknowledged, offsets included, through a crash', async () => {
        await log.createTopic(topic, 1);
        const { id } = log;
        const appender = await claimed();
        const head = headOf(log, fenceOf(1), 1n);
        const { ranges, offset } = await appender.publish(
          [{ topic, partition: 0, records: eventsOf(1n, 10) }],
          () => encodeRecord(openRecord(head, at(5n))),
        );
        await log.table('notes').put('key', Buffer.from('value'));
        const again = await reopened();
        expect(Buffer.from(again.id).equals(Buffer.from(id))).toBe(true);
        expect(await again.topics()).toEqual([{ name: topic, partitions: 1 }]);
        expect(await readPlaces(again, ranges[0]!)).toHaveLength(10);
        expect(await progressOffsets()).toContain(offset);
        expect(Buffer.from((await again.table('notes').get('key'))!).toString()).toBe('value');
        const successor = await claimed(2);
        const [range] = await successor.append([{ topic, partition: 0, records: eventsOf(2n, 1) }]);
        expect(range!.first).toBeGreaterThan(ranges[0]!.last);
      });
    });

    describe('tables', () => {
      it('hold the latest value per key, apart from other tables, for every handle', async () => {
        const other = await harness.open();
        const table = log.table('followers');
        await table.put('a', Buffer.from('1'));
        await table.put('a', Buffer.from('2'));
        await table.put('b', new Uint8Array(0));
        await log.table('followers2').put('a', Buffer.from('elsewhere'));
        const seen = other.table('followers');
        expect(Buffer.from((await seen.get('a'))!).toString()).toBe('2');
        expect((await seen.entries()).map(([key]) => key).sort()).toEqual(['a', 'b']);
        await seen.delete('a');
        await seen.delete('never there');
        expect(await table.get('a')).toBeUndefined();
        expect(await table.get('never there')).toBeUndefined();
        await other.close();
      });

      it('keep values whose memory the caller reuses, and any text as a key', async () => {
        const table = log.table('odd');
        const value = Buffer.from('before');
        for (const key of ['__proto__', 'a/b', 'ключ', ' ', 'x'.repeat(400)]) await table.put(key, value);
        value.fill(0);
        expect((await table.entries()).map(([key]) => key)).toHaveLength(5);
        expect(Buffer.from((await table.get('__proto__'))!).toString()).toBe('before');
      });
    });

    it('refuses work on a closed handle', async () => {
      await log.close();
      await expect(log.topics()).rejects.toMatchObject({ code: 'MR-3008' });
      await expect(log.table('t').get('a')).rejects.toMatchObject({ code: 'MR-3008' });
    });
  });
}
