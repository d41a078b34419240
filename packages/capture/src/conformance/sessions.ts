import { lsnZero } from '@millrace/model';
import { afterEach, describe, expect, it } from 'vitest';
import { orders, SourceBench } from './bench.js';
import type { SourceHarness } from './harness.js';
import { eventually } from './recorder.js';

export function describeSessions(make: () => Promise<SourceHarness>): void {
  describe('sessions', () => {
    let bench: SourceBench;
    afterEach(() => bench.close());

    it('make the slot once, at a consistent point that is confirmed', async () => {
      bench = await SourceBench.with(await make(), orders);
      const first = await bench.acquire();
      expect(first.created?.consistentPoint).toBeGreaterThan(lsnZero);
      expect(first.confirmed).toBeGreaterThanOrEqual(first.created?.consistentPoint ?? lsnZero);
      await first.close();
      const second = await bench.acquire();
      expect(second.created).toBeUndefined();
      expect(second.confirmed).toBeGreaterThanOrEqual(first.confirmed);
      expect(second.identity).toEqual(first.identity);
    });

    it('wait for the slot while another one holds it, and say so', async () => {
      bench = await SourceBench.with(await make(), orders);
      const first = await bench.acquire();
      let second: Awaited<ReturnType<SourceBench['acquire']>> | undefined;
      const waiting = bench.acquire().then((session) => {
        second = session;
      });
      await eventually('a word about the holder', () => bench.waits.length > 0);
      expect(second).toBeUndefined();
      await first.close();
      await waiting;
      expect(second).toBeDefined();
    });

    it('give up waiting when told to', async () => {
      bench = await SourceBench.with(await make(), orders);
      await bench.acquire();
      const stop = new AbortController();
      const waiting = bench.acquire(stop.signal).catch((error: unknown) => error);
      await eventually('a word about the holder', () => bench.waits.length > 0);
      stop.abort();
      expect(await waiting).toBeInstanceOf(Error);
    });

    it('describe the published tables with columns, types and key', async () => {
      bench = await SourceBench.with(await make(), orders);
      const session = await bench.acquire();
      const relation = (await session.relations()).find(({ name }) => name === 'orders');
      expect(relation?.columns.map(({ name, type, notNull }) => [name, type.name, notNull])).toEqual([
        ['id', 'int4', true],
        ['name', 'text', false],
        ['note', 'text', false],
      ]);
      expect(relation?.key).toEqual([0]);
      expect(relation?.identity).toBe('default');
    });

    it('close twice without harm', async () => {
      bench = await SourceBench.with(await make(), orders);
      const session = await bench.acquire();
      await session.close();
      await session.close();
    });

    it('send again what was not confirmed, and at most what was received after the confirmed position', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session, stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', null]);
      await bench.insert('orders', ['2', 'two', null]);
      await eventually('two transactions', () => stream.sink.committed.length === 2);
      const end = stream.sink.committed[0]?.end ?? lsnZero;
      session.confirm({ write: end, flush: end, apply: lsnZero });
      await stream.stop();
      await session.close();
      const second = await bench.acquire();
      expect(second.confirmed).toBeLessThanOrEqual(end);
      const again = bench.stream(second);
      await eventually('the second one again', () =>
        again.sink.changes.some(({ after }) => after?.[0] === '2'),
      );
      for (const { start } of again.sink.committed)
        expect(start.commit).toBeGreaterThanOrEqual(second.confirmed);
    });

    it('know where the leader’s WAL ends: never before what an earlier session was sent', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session, stream } = await bench.streaming();
      expect(session.wal.isReplaying).toBe(false);
      expect(session.wal.end).toBeGreaterThanOrEqual(session.confirmed);
      await bench.insert('orders', ['1', 'one', null]);
      await eventually('the transaction', () => stream.sink.committed.length === 1);
      const end = stream.sink.committed[0]?.end ?? lsnZero;
      await stream.stop();
      await session.close();
      expect((await bench.acquire()).wal.end).toBeGreaterThanOrEqual(end);
    });

    it('report a broken connection as MR-2012', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', null]);
      await eventually('the stream', () => stream.sink.committed.length === 1);
      await bench.harness.leader.breakConnection();
      expect(await stream.done).toMatchObject({ code: 'MR-2012' });
    });
  });
}
