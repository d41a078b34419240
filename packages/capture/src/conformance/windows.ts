import { afterEach, describe, expect, it } from 'vitest';
import { fullXid, isVisible } from '../snapshot/visibility.js';
import type { SourceSession, WindowChunk, WindowRequest } from '../source.js';
import { lines, orders, SourceBench } from './bench.js';
import { rowsOfChunk } from './chunk.js';
import type { SourceHarness } from './harness.js';
import { eventually, type RecordedTransaction } from './recorder.js';

const epoch = 7;
const mebibyte = 1024 * 1024;

async function read(
  session: SourceSession,
  table: string,
  request: Partial<WindowRequest>,
): Promise<WindowChunk> {
  const relation = (await session.relations()).find(({ name }) => name === table);
  if (!relation) throw new Error(`${table} is published`);
  return await session.windows.read({
    relation,
    range: { after: null, upTo: null },
    rows: 1_000,
    max_bytes: mebibyte,
    epoch,
    chunk: 1,
    signal: new AbortController().signal,
    ...request,
  });
}

const ids = async (chunk: WindowChunk): Promise<(string | null | undefined)[]> =>
  (await rowsOfChunk(chunk)).map(([id]) => id);

export function describeWindows(make: () => Promise<SourceHarness>): void {
  describe('windows', () => {
    let bench: SourceBench;
    afterEach(() => bench.close());

    it('stand in the stream as LOW and HIGH in transactions of their own, around the read', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session, stream } = await bench.streaming();
      await bench.insert('orders', ['1', 'one', null], ['2', 'two', null]);
      const chunk = await read(session, 'orders', { chunk: 5 });
      const marked = (kind: 'low' | 'high'): RecordedTransaction | undefined =>
        stream.sink.transactions.find(({ marks }) => marks.some((mark) => mark.kind === kind));
      await eventually('HIGH', () => marked('high')?.end !== undefined);
      expect(marked('low')?.marks).toEqual([{ kind: 'low', epoch, chunk: 5 }]);
      expect(marked('high')?.marks).toEqual([{ kind: 'high', epoch, chunk: 5 }]);
      expect(marked('low')?.changes).toEqual([]);
      expect(await ids(chunk)).toEqual(['1', '2']);
      expect(chunk.range).toEqual({ after: null, upTo: null });
      expect(chunk.relation.columns.map(({ name }) => name)).toEqual(['id', 'name', 'note']);
    });

    it('read range by range in key order, and single keys', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session } = await bench.streaming();
      await bench.insert('orders', ...Array.from({ length: 9 }, (_, i) => [String(i + 1), 'x', null]));
      const first = await read(session, 'orders', { rows: 4 });
      expect(await ids(first)).toEqual(['1', '2', '3', '4']);
      expect(first.range).toEqual({ after: null, upTo: ['4'] });
      const next = await read(session, 'orders', { rows: 100, range: { after: ['4'], upTo: ['7'] } });
      expect(await ids(next)).toEqual(['5', '6', '7']);
      expect(next.range).toEqual({ after: ['4'], upTo: ['7'] });
      const single = await read(session, 'orders', { range: { after: ['3'], upTo: ['3'] } });
      expect(await ids(single)).toEqual(['3']);
      const none = await read(session, 'orders', { range: { after: ['33'], upTo: ['33'] } });
      expect(await ids(none)).toEqual([]);
    });

    it('return less than asked for when more would not fit into memory', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session } = await bench.streaming();
      const wide = 'w'.repeat(2_000);
      await bench.insert('orders', ...Array.from({ length: 8 }, (_, i) => [String(i + 1), wide, null]));
      const chunk = await read(session, 'orders', { max_bytes: 5_000 });
      expect(chunk.rows.count).toBeGreaterThan(0);
      expect(chunk.rows.count).toBeLessThan(8);
      expect(chunk.rows.spooled).toBe(false);
      expect(chunk.range).toEqual({ after: null, upTo: [(await ids(chunk)).at(-1)] });
    });

    it('read a table without a key as one whole', async () => {
      bench = await SourceBench.with(await make(), lines);
      const { session } = await bench.streaming();
      await bench.insert('lines', ['bolt', '3'], ['bolt', '3']);
      const chunk = await read(session, 'lines', { rows: 1 });
      expect(chunk.rows.count).toBe(2);
      expect(chunk.range).toEqual({ after: null, upTo: null });
    });

    it('read a whole range however large it is, beyond memory through a temporary file', async () => {
      bench = await SourceBench.with(await make(), orders, lines);
      const { session } = await bench.streaming();
      const wide = 'w'.repeat(2_000);
      const rows = Array.from({ length: 400 }, (_, i) => [String(i + 1), i % 3 === 0 ? wide : null, '']);
      await bench.insert('orders', ...rows);
      await bench.insert('lines', ...rows.map(([id]) => [wide, id ?? null]));
      const whole = await read(session, 'orders', { rows: null, max_bytes: 5_000 });
      expect(whole.rows).toMatchObject({ count: 400, spooled: true });
      expect(whole.range).toEqual({ after: null, upTo: null });
      const found = await rowsOfChunk(whole);
      expect(found.sort(([a], [b]) => Number(a) - Number(b))).toEqual(rows);
      const keyless = await read(session, 'lines', { rows: 10, max_bytes: 5_000 });
      expect(keyless.rows).toMatchObject({ count: 400, spooled: true });
      expect(new Set((await rowsOfChunk(keyless)).map(([, id]) => id)).size).toBe(400);
    });

    it('tell which transactions the read saw', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { session, stream } = await bench.streaming();
      const { leader } = bench.harness;
      await bench.insert('orders', ['1', 'seen', null]);
      const open = await leader.begin();
      await open.insert('orders', [['2', 'unseen', null]]);
      const { visibility, rows } = await read(session, 'orders', {});
      await open.commit();
      await eventually('both', () => stream.sink.committed.length === 2);
      const inProgress = new Set(visibility.inProgress);
      const seen = stream.sink.committed.map(({ start }) =>
        isVisible(fullXid(start.xid, visibility.xmax), visibility, inProgress),
      );
      expect(seen).toEqual([true, false]);
      expect(rows.count).toBe(1);
    });
  });
}
