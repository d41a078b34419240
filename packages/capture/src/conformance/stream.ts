import { lsnZero } from '@millrace/model';
import { afterEach, describe, expect, it } from 'vitest';
import { audited, lines, orders, SourceBench } from './bench.js';
import type { SourceHarness } from './harness.js';
import { eventually } from './recorder.js';

export function describeStream(make: () => Promise<SourceHarness>): void {
  describe('the stream', () => {
    let bench: SourceBench;
    afterEach(() => bench.close());

    it('brings committed transactions whole, in commit order, and nothing of the others', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      const { leader } = bench.harness;
      const first = await leader.begin();
      const second = await leader.begin();
      const third = await leader.begin();
      await first.insert('orders', [['1', 'first', null]]);
      await second.insert('orders', [['2', 'second', null]]);
      await third.insert('orders', [['3', 'third', null]]);
      await first.insert('orders', [['4', 'first', null]]);
      await second.commit();
      await third.rollback();
      await first.commit();
      await eventually('two transactions', () => stream.sink.committed.length === 2);
      const ids = stream.sink.committed.map(({ changes }) => changes.map(({ after }) => after?.[0]));
      expect(ids).toEqual([['2'], ['1', '4']]);
      expect(stream.sink.disorder).toEqual([]);
    });

    it('gives commits rising positions: a commit’s end is at most the next one’s start', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      for (let i = 0; i < 5; i++) await bench.insert('orders', [String(i), 'x', null]);
      await eventually('five transactions', () => stream.sink.committed.length === 5);
      let end = lsnZero;
      for (const { start, end: next } of stream.sink.committed) {
        expect(start.commit).toBeGreaterThanOrEqual(end);
        expect(next).toBeGreaterThan(start.commit);
        expect(start.committedAt_us).toBeGreaterThan(0n);
        end = next ?? end;
      }
    });

    it('announces a relation before its first event, and anew when its shape changed', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', null]);
      await bench.harness.leader.addColumn('orders', 'extra', 'seven');
      await bench.insert('orders', ['2', 'two', null, 'eight']);
      await eventually('both rows', () => stream.sink.changes.length === 2);
      const [first, last] = [stream.sink.relations[0], stream.sink.relations.at(-1)];
      expect(first?.relation.columns).toHaveLength(3);
      expect(last?.relation.columns.map(({ name }) => name)).toEqual(['id', 'name', 'note', 'extra']);
      expect(last?.relation.columns[3]?.missing).toBe('seven');
      expect(last?.relation.columns.slice(0, 3).map(({ attnum }) => attnum)).toEqual(
        first?.relation.columns.map(({ attnum }) => attnum),
      );
      expect(last?.certainty).toEqual({ certain: true });
      expect(stream.sink.changes[1]?.after).toEqual(['2', 'two', null, 'eight']);
      expect(stream.sink.disorder).toEqual([]);
    });

    it('leaves an unchanged large value absent, and tells the key only when it changed', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { largeText } = bench.harness;
      const { stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', largeText]);
      await bench.transaction(async (transaction) => {
        await transaction.update('orders', ['1', null, null], ['1', 'uno', largeText]);
        await transaction.update('orders', ['1', null, null], ['9', 'uno', largeText]);
        await transaction.delete('orders', ['9', null, null]);
      });
      await eventually('the changes', () => stream.sink.changes.length === 4);
      const [, update, move, gone] = stream.sink.changes;
      expect(update?.after).toEqual(['1', 'uno', undefined]);
      expect(update?.before).toBeUndefined();
      expect(move?.after).toEqual(['9', 'uno', undefined]);
      expect(move?.before?.[0]).toBe('1');
      expect(move?.beforeIsFull).toBe(false);
      expect(gone).toMatchObject({ op: 'delete', beforeIsFull: false });
      expect(gone?.before?.[0]).toBe('9');
      expect(gone?.after).toBeUndefined();
    });

    it('brings the full old row where the identity is full', async () => {
      bench = await SourceBench.with(await make(), audited, lines);
      const { largeText } = bench.harness;
      const { stream } = await bench.streaming();
      await bench.insert('audited', ['1', 'one', largeText]);
      await bench.insert('lines', ['bolt', '3'], ['bolt', '3']);
      await bench.transaction(async (transaction) => {
        await transaction.update('audited', ['1', null, null], ['1', 'uno', largeText]);
        await transaction.delete('lines', ['bolt', '3']);
      });
      await eventually('the changes', () => stream.sink.committed.length === 3);
      const [update, gone] = stream.sink.committed[2]?.changes ?? [];
      expect(update?.before).toEqual(['1', 'one', largeText]);
      expect(update?.beforeIsFull).toBe(true);
      expect(gone?.before).toEqual(['bolt', '3']);
    });

    it('brings a truncate at its place', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      await bench.transaction(async (transaction) => {
        await transaction.insert('orders', [['1', 'one', null]]);
        await transaction.truncate('orders');
        await transaction.insert('orders', [['2', 'two', null]]);
      });
      await eventually('the transaction', () => stream.sink.committed.length === 1);
      expect(stream.sink.changes.map(({ op }) => op)).toEqual(['insert', 'truncate', 'insert']);
    });

    it('stops delivering while the sink has no room, and goes on where it was', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      await bench.insert('orders', ['0', 'warm', null]);
      await eventually('the stream', () => stream.sink.committed.length === 1);
      let open = (): void => {};
      stream.sink.hold = new Promise((resolve) => {
        open = resolve;
      });
      const rows = 20_000;
      await bench.insert('orders', ...Array.from({ length: rows }, (_, i) => [String(i + 1), 'many', null]));
      await eventually('a first read', () => stream.sink.calls > 3);
      let before = -1;
      await eventually('a standstill', async () => {
        const still = stream.sink.calls === before;
        before = stream.sink.calls;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return still;
      });
      expect(stream.sink.calls).toBeLessThan(rows);
      stream.sink.hold = undefined;
      open();
      await eventually('all of them', () => stream.sink.changes.length === rows + 1);
      expect(stream.sink.disorder).toEqual([]);
    });

    it('tells by a keepalive when everything was sent', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session, stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', null]);
      const position = await session.leaderPosition();
      await eventually('the transaction', () => stream.sink.committed.length === 1);
      const end = stream.sink.committed[0]?.end ?? lsnZero;
      await eventually('a keepalive', () => stream.sink.keepalives.some((at) => at >= end));
      expect(position).toBeGreaterThanOrEqual(end);
    });

    it('ends with the sink’s own error', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      stream.sink.onChange = () => {
        throw new Error('the sink has had enough');
      };
      await bench.insert('orders', ['1', 'one', null]);
      expect(await stream.done).toMatchObject({
        message: expect.stringContaining('the sink has had enough'),
      });
      const { calls } = stream.sink;
      await bench.insert('orders', ['2', 'two', null]);
      expect(stream.sink.calls).toBe(calls);
    });

    it('resolves when told to stop, without a call to the sink afterwards', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { stream } = await bench.streaming();
      await stream.stop();
      const { calls } = stream.sink;
      await bench.insert('orders', ['1', 'one', null]);
      expect(stream.sink.calls).toBe(calls);
    });
  });
}
