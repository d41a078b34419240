import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../record-codec.js';
import type { LogBench } from './bench.js';
import { at, batchRecord, eventsOf, fenceOf, headOf, openRecord } from './events.js';

const wake_ms = 2_000;

/** The progress partition, and waiting for what is not there yet. */
export function describeFollowing(bench: LogBench): void {
  describe('progress', () => {
    it('reads records in order, bounded by bytes, without waiting at the head', async () => {
      const appender = await bench.claimed();
      for (let seq = 1n; seq <= 5n; seq++) {
        const head = headOf(bench.log, fenceOf(1), seq);
        await appender.publish([], () =>
          encodeRecord(seq === 1n ? openRecord(head, at(5n)) : batchRecord(head, at(5n), at(5n))),
        );
      }
      const all = await bench.progressOffsets();
      expect(all).toHaveLength(6);
      expect([...all].sort((a, b) => (a < b ? -1 : 1))).toEqual(all);
      const one = await bench.log.progress.read(0n, 1);
      expect(one.records).toHaveLength(1);
      expect((await bench.log.progress.read(one.next, 1)).records[0]!.offset).toBe(all[1]);
      const { high } = await bench.log.progress.watermarks();
      expect((await bench.log.progress.read(high, 1 << 20)).records).toEqual([]);
    });

    it('wakes a waiter on another handle when a record arrives', async () => {
      const reader = await bench.harness.open();
      const appender = await bench.claimed();
      const { high } = await reader.progress.watermarks();
      const woken = reader.progress.wait(high, AbortSignal.timeout(wake_ms));
      const bytes = encodeRecord(openRecord(headOf(bench.log, fenceOf(1), 1n), at(5n)));
      await appender.publish([], () => bytes);
      await woken;
      expect((await reader.progress.watermarks()).high).toBeGreaterThan(high);
      expect((await reader.progress.read(high, 1)).records).toHaveLength(1);
      await reader.close();
    });

    it('ends a wait when its signal aborts or the handle is closed', async () => {
      const stop = new AbortController();
      const { high } = await bench.log.progress.watermarks();
      const aborted = bench.log.progress.wait(high, stop.signal);
      const closed = bench.log.progress.wait(high, new AbortController().signal);
      stop.abort();
      await aborted;
      await bench.log.close();
      await closed;
      await bench.log.close();
    });
  });

  describe('waiting for events', () => {
    it('says so and goes on once the high watermark passes the range', async () => {
      const reader = await bench.harness.open();
      await bench.log.createTopic(bench.topic, 1);
      const appender = await bench.claimed();
      const [head] = await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(1n, 1) }]);
      let waits = 0;
      const places: Promise<number> = (async () => {
        let count = 0;
        const range = { topic: bench.topic, partition: 0, first: head!.first, last: head!.last + 3n };
        const options = {
          signal: AbortSignal.timeout(wake_ms),
          max_bytes: 1 << 20,
          onWait: () => waits++,
        };
        for await (const batch of reader.read(range, options)) count += batch.count;
        return count;
      })();
      while (waits === 0) await new Promise((resolve) => setImmediate(resolve));
      await appender.append([{ topic: bench.topic, partition: 0, records: eventsOf(2n, 3) }]);
      expect(await places).toBe(4);
      expect(waits).toBe(1);
      await reader.close();
    });

    it('rejects when its signal aborts', async () => {
      await bench.log.createTopic(bench.topic, 1);
      const stop = new AbortController();
      const reading = (async () => {
        const range = { topic: bench.topic, partition: 0, first: 0n, last: 5n };
        for await (const batch of bench.log.read(range, { signal: stop.signal, max_bytes: 1000 })) void batch;
      })();
      const outcome = expect(reading).rejects.toThrow();
      stop.abort();
      await outcome;
    });
  });
}
