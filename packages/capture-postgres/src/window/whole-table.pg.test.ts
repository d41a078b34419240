import type { WindowChunk } from '@millrace/capture';
import { type Relation, rowOf } from '@millrace/model';
import { PgSession, readRelation } from '@millrace/postgres';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { type RecordedTransaction, Tap } from '../recorder.sample.js';
import type { parseVisibility } from './window-reader.js';

const mebibyte = 1024 * 1024;
const memory_bytes = 8 * mebibyte;
/** What was read, or written to the file, and is not collected yet. The rows themselves are more than this and the memory allowed. */
const slack_bytes = 40 * mebibyte;
const rows = 150_000;
const pad_characters = 400;
const limit_ms = 60_000;

async function relationOf(url: string, name: string): Promise<Relation> {
  const session = await PgSession.open(url, { role: 'leader' });
  const relation = await readRelation(session, 'public', name);
  await session.close();
  if (!relation) throw new Error(`no table ${name}`);
  return relation;
}

function sees({ xmin, xmax, inProgress }: ReturnType<typeof parseVisibility>, xid: number): boolean {
  const id = BigInt(xid);
  return id < xmin || (id < xmax && !inProgress.includes(id));
}

/** How often each row occurs; rows as short texts. */
class Bag {
  readonly counts = new Map<string, number>();

  add(cells: readonly unknown[], by: number): void {
    const [id, pad] = cells as [string, string];
    const text = `${id}/${pad.length}/${pad.slice(0, 9)}`;
    const count = (this.counts.get(text) ?? 0) + by;
    if (count === 0) this.counts.delete(text);
    else this.counts.set(text, count);
  }

  change(line: string): void {
    const match = /^\w+ loose(?: old (\[.*?\]))?(?: (\[.*?\]))?$/.exec(line);
    if (!match) throw new Error(`${line} is not understood`);
    if (match[1]) this.add(JSON.parse(match[1]), -1);
    if (match[2]) this.add(JSON.parse(match[2]), 1);
  }
}

/** Changes the table in small transactions until told to stop; of two equal rows it takes one away. */
async function write(database: TestDatabase, done: AbortSignal): Promise<void> {
  const client = await database.connect();
  const one = '(SELECT ctid FROM loose WHERE id = $1 LIMIT 1)';
  while (!done.aborted) {
    const id = Math.floor((Math.random() * rows) / 2);
    await client.query('BEGIN');
    await client.query(`UPDATE loose SET pad = 'changed' WHERE ctid = ${one}`, [id]);
    await client.query(`DELETE FROM loose WHERE ctid = ${one}`, [id + 1]);
    await client.query(`INSERT INTO loose VALUES ($1, 'new')`, [id]);
    await client.query(Math.random() < 0.2 ? 'ROLLBACK' : 'COMMIT');
  }
  await client.end();
}

/** Most memory outside the heap while `work` ran, beyond what there was. */
async function grownBy<T>(work: Promise<T>): Promise<[result: T, grown_bytes: number]> {
  const before = process.memoryUsage().arrayBuffers;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }, 5);
  try {
    return [await work, most - before];
  } finally {
    clearInterval(timer);
  }
}

async function bagOf({ rows: read }: WindowChunk): Promise<Bag> {
  const bag = new Bag();
  await read.each({ row: (image) => bag.add(rowOf(image), 1), room: () => undefined });
  return bag;
}

describe('a window over a whole table, PostgreSQL 18,', () => {
  it(
    'of 60 MB without a key is exact under concurrent writes, and costs no more memory than allowed',
    async () => {
      await using database = await pgDatabase(18);
      const client = await database.connect();
      await client.query(`CREATE TABLE loose (id int, pad text); ALTER TABLE loose REPLICA IDENTITY FULL;
        ALTER TABLE loose ALTER pad SET STORAGE PLAIN; CREATE INDEX ON loose (id);
        INSERT INTO loose SELECT g / 2, repeat('x', ${pad_characters}) FROM generate_series(1, ${rows}) g`);
      const tap = await Tap.streaming(database);
      const relation = await relationOf(database.url, 'loose');
      const stop = new AbortController();
      const writing = write(database, stop.signal);
      const signal = new AbortController().signal;
      const whole = { after: null, upTo: null };
      const [chunk, grown_bytes] = await grownBy(
        tap.session.windows.read({
          relation,
          range: whole,
          rows: null,
          max_bytes: memory_bytes,
          epoch: 1,
          chunk: 1,
          signal,
        }),
      );
      stop.abort();
      await writing;
      await tap.caughtUp();
      expect(chunk.rows.spooled).toBe(true);
      expect(chunk.rows.count).toBeGreaterThan(rows * 0.9);
      expect(chunk.range).toEqual(whole);
      expect(grown_bytes).toBeLessThan(memory_bytes + slack_bytes);

      const bag = await bagOf(chunk);
      await chunk.rows.close();
      const unseen = tap.recorder.transactions.filter(
        ({ start }: RecordedTransaction) => !sees(chunk.visibility, start.xid),
      );
      expect(unseen.length).toBeGreaterThan(5);
      for (const { lines } of unseen)
        for (const line of lines) if (!/^(relation|low|high) /.test(line)) bag.change(line);
      const now = new Bag();
      const { rows: present } = await client.query('SELECT id::text, pad FROM loose');
      for (const { id, pad } of present) now.add([id, pad], 1);
      expect(bag.counts).toEqual(now.counts);
      await tap.close();
      await client.end();
    },
    limit_ms,
  );
});
