import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../record-codec.js';
import type { LogBench } from './bench.js';
import { at, eventsOf, fenceOf, headOf, openRecord, readPlaces } from './events.js';

/** What stays: after a trim, after a crash, in tables; and after a handle was closed. */
export function describeKeeping(bench: LogBench): void {
  describe('trimming', () => {
    it('raises the low watermarks and refuses what lies below', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const [old] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(1n, 50) }]);
      const [young] = await appender.append([
        { topic: bench.topic, partition: 0, records: eventsOf(2n, 50) },
      ]);
      const head = headOf(bench.log, fenceOf(1), 1n);
      const { offset } = await appender.publish([], () => encodeRecord(openRecord(head, at(5n))));
      await bench.log.trim({
        progressBefore: offset,
        eventsBefore: [{ topic: bench.topic, partition: 0, offset: young!.first }],
      });
      expect((await bench.log.watermarks(bench.topic, 0)).low).toBe(young!.first);
      expect((await bench.log.progress.watermarks()).low).toBe(offset);
      await expect(readPlaces(bench.log, old!)).rejects.toMatchObject({ code: 'MR-3003' });
      await expect(bench.log.progress.read(0n, 1)).rejects.toMatchObject({ code: 'MR-3003' });
      expect(await readPlaces(bench.log, young!)).toHaveLength(50);
      expect((await bench.log.progress.read(offset, 1)).records).toHaveLength(1);
    });

    it('never lowers a low watermark nor passes the high one', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const [range] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(1n, 5) }]);
      const trimTo = (offset: bigint): Promise<void> =>
        bench.log.trim({ progressBefore: 0n, eventsBefore: [{ topic: bench.topic, partition: 0, offset }] });
      await trimTo(range!.last + 100n);
      const { low, high } = await bench.log.watermarks(bench.topic, 0);
      expect(low).toBe(high);
      await trimTo(range!.first);
      expect((await bench.log.watermarks(bench.topic, 0)).low).toBe(low);
      const [next] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(2n, 2) }]);
      expect(next!.first).toBeGreaterThan(range!.last);
      expect(await readPlaces(bench.log, next!)).toEqual(['2.0', '2.1']);
    });
  });

  describe('durability', () => {
    it('keeps everything acknowledged, offsets included, through a crash', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const { id } = bench.log;
      const appender = await bench.claimed();
      const head = headOf(bench.log, fenceOf(1), 1n);
      const { ranges, offset } = await appender.publish(
        [{ topic: bench.topic, partition: 0, records: eventsOf(1n, 10) }],
        () => encodeRecord(openRecord(head, at(5n))),
      );
      await bench.log.table('notes').put('key', Buffer.from('value'));
      const again = await bench.reopened();
      expect(Buffer.from(again.id).equals(Buffer.from(id))).toBe(true);
      expect(await again.topics()).toEqual([{ name: bench.topic, partitions: 1 }]);
      expect(await readPlaces(again, ranges[0]!)).toHaveLength(10);
      expect(await bench.progressOffsets()).toContain(offset);
      expect(Buffer.from((await again.table('notes').get('key'))!).toString()).toBe('value');
      const successor = await bench.claimed(2);
      const [range] = await successor.append([
        { topic: bench.topic, partition: 0, records: eventsOf(2n, 1) },
      ]);
      expect(range!.first).toBeGreaterThan(ranges[0]!.last);
    });
  });

  describe('tables', () => {
    it('hold the latest value per key, apart from other tables, for every handle', async () => {
      const other = await bench.harness.open();
      const table = bench.log.table('followers');
      await table.put('a', Buffer.from('1'));
      await table.put('a', Buffer.from('2'));
      await table.put('b', new Uint8Array(0));
      await bench.log.table('followers2').put('a', Buffer.from('elsewhere'));
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
      const table = bench.log.table('odd');
      const value = Buffer.from('before');
      for (const key of ['__proto__', 'a/b', 'ключ', ' ', 'x'.repeat(400)]) await table.put(key, value);
      value.fill(0);
      expect((await table.entries()).map(([key]) => key)).toHaveLength(5);
      expect(Buffer.from((await table.get('__proto__'))!).toString()).toBe('before');
    });
  });

  it('refuses work on a closed handle', async () => {
    await bench.log.close();
    await expect(bench.log.topics()).rejects.toMatchObject({ code: 'MR-3008' });
    await expect(bench.log.table('t').get('a')).rejects.toMatchObject({ code: 'MR-3008' });
  });
}
