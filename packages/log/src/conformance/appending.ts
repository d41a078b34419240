import { describe, expect, it } from 'vitest';
import type { AppendedRange } from '../port.js';
import { encodeRecord } from '../record-codec.js';
import type { LogBench } from './bench.js';
import { at, eventsOf, fenceOf, headOf, openRecord, readPlaces } from './events.js';

/** Topics, and events and records on their way in. */
export function describeAppending(bench: LogBench): void {
  describe('topics', () => {
    it('has a 16-byte identity that every handle sees', async () => {
      const other = await bench.harness.open();
      expect(bench.log.id.length).toBe(16);
      expect(Buffer.from(other.id).equals(Buffer.from(bench.log.id))).toBe(true);
      await other.close();
    });

    it('creates a topic once and refuses another partition count', async () => {
      await bench.log.createTopic(bench.topic, 3);
      await bench.log.createTopic(bench.topic, 3);
      await expect(bench.log.createTopic(bench.topic, 4)).rejects.toMatchObject({ code: 'MR-3005' });
      expect(await bench.log.topics()).toEqual([{ name: bench.topic, partitions: 3 }]);
      expect(await bench.log.watermarks(bench.topic, 2)).toEqual({ low: 0n, high: 0n });
    });

    it('refuses a topic or partition that does not exist', async () => {
      await bench.log.createTopic(bench.topic, 1);
      await expect(bench.log.watermarks(bench.topic, 1)).rejects.toMatchObject({ code: 'MR-3005' });
      await expect(bench.log.watermarks('nowhere', 0)).rejects.toMatchObject({ code: 'MR-3005' });
    });
  });

  describe('appending', () => {
    it('hands out growing offsets and reads records back in order', async () => {
      await bench.log.createTopic(bench.topic, 2);
      const appender = await bench.claimed();
      const [one] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(10n, 3) }]);
      const [two, other] = await appender.append([
        { topic: bench.topic, partition: 0, records: eventsOf(11n, 2) },
        { topic: bench.topic, partition: 1, records: eventsOf(12n, 1) },
      ]);
      expect(two!.first).toBeGreaterThan(one!.last);
      expect(other).toMatchObject({ topic: bench.topic, partition: 1 });
      expect(await readPlaces(bench.log, { ...one!, last: two!.last })).toEqual([
        '10.0',
        '10.1',
        '10.2',
        '11.0',
        '11.1',
      ]);
      expect(await readPlaces(bench.log, other!)).toEqual(['12.0']);
    });

    it('yields exactly the records of the range, cutting batches at both ends', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const [range] = await appender.append([
        { topic: bench.topic, partition: 0, records: eventsOf(10n, 100) },
      ]);
      const { first } = range!;
      const places = await readPlaces(
        bench.log,
        { topic: bench.topic, partition: 0, first: first + 7n, last: first + 42n },
        64,
      );
      expect(places).toHaveLength(36);
      expect(places[0]).toBe('10.7');
      expect(places.at(-1)).toBe('10.42');
    });

    it('keeps what it was given when the caller reuses its memory afterwards', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const records = eventsOf(10n, 5);
      const [range] = await appender.append([{ topic: bench.topic, partition: 0, records }]);
      records.bytes.fill(0xff);
      expect(await readPlaces(bench.log, range!)).toHaveLength(5);
    });

    it('publishes events and their record together, the record naming their offsets', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      let seen: readonly AppendedRange[] = [];
      const record = encodeRecord(openRecord(headOf(bench.log, fenceOf(1), 1n), at(5n)));
      const published = await appender.publish(
        [{ topic: bench.topic, partition: 0, records: eventsOf(10n, 4) }],
        (ranges) => {
          seen = ranges;
          return record;
        },
      );
      expect(published.ranges).toEqual(seen);
      expect(seen).toHaveLength(1);
      const { records } = await bench.log.progress.read(published.offset, 1);
      expect(Buffer.from(records[0]!.bytes).equals(Buffer.from(record))).toBe(true);
      expect(await readPlaces(bench.log, seen[0]!)).toHaveLength(4);
    });

    it('publishes a record without events', async () => {
      const appender = await bench.claimed();
      const bytes = encodeRecord(openRecord(headOf(bench.log, fenceOf(1), 1n), at(5n)));
      const { offset, ranges } = await appender.publish([], () => bytes);
      expect(ranges).toEqual([]);
      expect((await bench.log.progress.watermarks()).high).toBeGreaterThan(offset);
    });

    it('takes one transaction in any number of requests, far larger than a read batch', async () => {
      await bench.log.createTopic(bench.topic, 2);
      const appender = await bench.claimed();
      const value = 'x'.repeat(900);
      let first: bigint | undefined;
      for (let part = 0; part < 40; part++) {
        const [range] = await appender.append([
          { topic: bench.topic, partition: part % 2, records: eventsOf(BigInt(part), 200, value) },
        ]);
        if (part === 0) first = range!.first;
      }
      const bytes = encodeRecord(openRecord(headOf(bench.log, fenceOf(1), 1n), at(5n)));
      const { ranges } = await appender.publish(
        [{ topic: bench.topic, partition: 0, records: eventsOf(40n, 1) }],
        () => bytes,
      );
      const places = await readPlaces(
        bench.log,
        { topic: bench.topic, partition: 0, first: first!, last: ranges[0]!.last },
        10_000,
      );
      expect(places).toHaveLength(20 * 200 + 1);
      expect(new Set(places).size).toBe(places.length);
      expect(places.at(-1)).toBe('40.0');
    });

    it('yields a record larger than the batch limit alone', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const [small] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(1n, 2) }]);
      const [large] = await appender.append([
        { topic: bench.topic, partition: 0, records: eventsOf(2n, 1, 'y'.repeat(3_000_000)) },
      ]);
      expect(await readPlaces(bench.log, { ...small!, last: large!.last }, 1_000)).toEqual([
        '1.0',
        '1.1',
        '2.0',
      ]);
    });
  });
}
