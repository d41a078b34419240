import { type Row, rowOf } from '@millrace/model';
import { afterEach, describe, expect, it } from 'vitest';
import type { InitialSnapshot, KeyRange, SnapshotTable } from '../source.js';
import { lines, orders, SourceBench } from './bench.js';
import type { SourceHarness } from './harness.js';
import { eventually } from './recorder.js';

const rows = 95;
const chunk_rows = 10;

async function readRange(snapshot: InitialSnapshot, table: SnapshotTable, range: KeyRange): Promise<Row[]> {
  const read: Row[] = [];
  const to = {
    row: (image: Parameters<typeof rowOf>[0]) => void read.push(rowOf(image)),
    room: () => undefined,
  };
  await snapshot.read(table, range, to, new AbortController().signal);
  return read;
}

const tableOf = (snapshot: InitialSnapshot, name: string): SnapshotTable => {
  const table = snapshot.tables.find(({ relation }) => relation.name === name);
  if (!table) throw new Error(`the snapshot lacks ${name}`);
  return table;
};

export function describeSnapshots(make: () => Promise<SourceHarness>): void {
  describe('the initial snapshot', () => {
    let bench: SourceBench;
    afterEach(() => bench.close());

    it('holds each row once over its chunks, read in parallel, as of the consistent point', async () => {
      bench = await SourceBench.with(await make(), orders);
      await bench.insert('orders', ...Array.from({ length: rows }, (_, i) => [String(i), `n${i}`, null]));
      const session = await bench.acquire();
      await bench.insert('orders', ['1000', 'later', null]);
      const snapshot = session.created?.snapshot;
      if (!snapshot) throw new Error('the session has just made the slot');
      const table = tableOf(snapshot, 'orders');
      const ranges = await snapshot.plan(table, chunk_rows);
      expect(ranges.length).toBeGreaterThan(rows / chunk_rows / 2);
      expect(ranges[0]?.after).toBeNull();
      expect(ranges.at(-1)?.upTo).toBeNull();
      for (let i = 1; i < ranges.length; i++) expect(ranges[i]?.after).toEqual(ranges[i - 1]?.upTo);
      const read = (await Promise.all(ranges.map((range) => readRange(snapshot, table, range)))).flat();
      expect(read).toHaveLength(rows);
      expect(new Set(read.map(([id]) => id)).size).toBe(rows);
      expect(read.find(([id]) => id === '7')).toEqual(['7', 'n7', null]);
      await snapshot.close();
    });

    it('holds a table without a key as one whole', async () => {
      bench = await SourceBench.with(await make(), lines);
      await bench.insert('lines', ['bolt', '3'], ['bolt', '3'], ['nut', null]);
      const session = await bench.acquire();
      const snapshot = session.created?.snapshot;
      if (!snapshot) throw new Error('the session has just made the slot');
      const table = tableOf(snapshot, 'lines');
      expect(await snapshot.plan(table, 1)).toEqual([{ after: null, upTo: null }]);
      const read = await readRange(snapshot, table, { after: null, upTo: null });
      expect(read.map(String).sort()).toEqual(['bolt,3', 'bolt,3', 'nut,']);
    });

    it('and the stream meet without gap or overlap', async () => {
      bench = await SourceBench.with(await make(), orders);
      const { leader } = bench.harness;
      await bench.insert('orders', ['1', 'before', null]);
      const session = await bench.acquire();
      await bench.insert('orders', ['2', 'after', null]);
      const open = await leader.begin();
      await open.insert('orders', [['3', 'after too', null]]);
      const snapshot = session.created?.snapshot;
      if (!snapshot) throw new Error('the session has just made the slot');
      const read = await readRange(snapshot, tableOf(snapshot, 'orders'), { after: null, upTo: null });
      await snapshot.close();
      const stream = bench.stream(session);
      await open.commit();
      await eventually('both later rows', () => stream.sink.changes.length === 2);
      expect(read.map(([id]) => id)).toEqual(['1']);
      expect(stream.sink.changes.map(({ after }) => after?.[0])).toEqual(['2', '3']);
    });
  });
}
