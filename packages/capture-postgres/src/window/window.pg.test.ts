import { rowsOfChunk } from '@millrace/capture/conformance';
import type { Relation } from '@millrace/model';
import { PgSession, readRelation } from '@millrace/postgres';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  startPostgres,
  type TestDatabase,
  waitFor,
} from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tap } from '../recorder.sample.js';
import { parseVisibility } from './window-reader.js';

const never = new AbortController().signal;

async function relationOf(url: string, name: string): Promise<Relation> {
  const session = await PgSession.open(url, { role: 'leader' });
  const relation = await readRelation(session, 'public', name);
  await session.close();
  if (!relation) throw new Error(`no table ${name}`);
  return relation;
}

/** Whether the snapshot sees what transaction `xid` (32 bits) did. */
function sees({ xmin, xmax, inProgress }: ReturnType<typeof parseVisibility>, xid: number): boolean {
  const id = BigInt(xid);
  return id < xmin || (id < xmax && !inProgress.includes(id));
}

it('reads the text form of a snapshot, 64-bit ids included', () => {
  expect(parseVisibility('10:20:11,15')).toEqual({ xmin: 10n, xmax: 20n, inProgress: [11n, 15n] });
  expect(parseVisibility('9007199254740993:9007199254740993:').xmin).toBe(9007199254740993n);
  expect(() => parseVisibility('nonsense')).toThrow(/MR-2011/);
});

describe.each(postgresVersions)('a window on PostgreSQL %i', (version: PostgresVersion) => {
  let database: TestDatabase;
  let client: Awaited<ReturnType<TestDatabase['connect']>>;
  let tap: Tap;

  beforeEach(async () => {
    database = await pgDatabase(version);
    client = await database.connect();
    await client.query(`CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 20) g;
      CREATE TABLE loose (a int); ALTER TABLE loose REPLICA IDENTITY FULL; INSERT INTO loose VALUES (1), (1), (NULL)`);
    tap = await Tap.streaming(database);
  });
  afterEach(async () => {
    await tap.close();
    await client.end();
    await database.drop();
  });

  it('reads rows in key order between its watermarks, and says what range they cover completely', async () => {
    const relation = await relationOf(database.url, 't');
    const base = { relation, max_bytes: 1e6, epoch: 3, signal: never };
    const first = await tap.session.windows.read({
      ...base,
      rows: 15,
      chunk: 1,
      range: { after: null, upTo: null },
    });
    expect(first.rows.count).toBe(15);
    expect(first.range).toEqual({ after: null, upTo: ['15'] });
    const rest = await tap.session.windows.read({
      ...base,
      rows: 15,
      chunk: 2,
      range: { after: ['15'], upTo: null },
    });
    expect((await rowsOfChunk(rest)).map(([id]) => id)).toEqual(['16', '17', '18', '19', '20']);
    expect(rest.range).toEqual({ after: ['15'], upTo: null });
    const bounded = await tap.session.windows.read({
      ...base,
      rows: 15,
      chunk: 3,
      range: { after: ['3'], upTo: ['5'] },
    });
    expect(bounded.rows.count).toBe(2);
    expect(bounded.range).toEqual({ after: ['3'], upTo: ['5'] });
    const one = await tap.session.windows.read({
      ...base,
      rows: 15,
      chunk: 4,
      range: { after: ['7'], upTo: ['7'] },
    });
    expect(await rowsOfChunk(one)).toEqual([['7', 'x7']]);
    expect(one.range).toEqual({ after: ['7'], upTo: ['7'] });
    expect(first.relation).toEqual(relation);
    await tap.caughtUp();
    expect(tap.recorder.marks).toEqual(
      [1, 2, 3, 4].flatMap((chunk) => [
        { kind: 'low', epoch: 3, chunk },
        { kind: 'high', epoch: 3, chunk },
      ]),
    );
  });

  it('covers less when the rows are too large, but at least one row', async () => {
    const relation = await relationOf(database.url, 't');
    const base = { relation, rows: 10, epoch: 1, signal: never, range: { after: null, upTo: null } };
    const tiny = await tap.session.windows.read({ ...base, chunk: 1, max_bytes: 1 });
    expect(tiny.rows.count).toBe(1);
    expect(tiny.range.upTo).toEqual(['1']);
    const loose = await relationOf(database.url, 'loose');
    const whole = await tap.session.windows.read({ ...base, relation: loose, chunk: 2, max_bytes: 1e6 });
    expect(await rowsOfChunk(whole)).toEqual([['1'], ['1'], [null]]);
    expect(whole.range).toEqual({ after: null, upTo: null });
    const spooled = await tap.session.windows.read({ ...base, relation: loose, chunk: 3, max_bytes: 1 });
    expect(spooled.rows.spooled).toBe(true);
    expect(await rowsOfChunk(spooled)).toEqual([['1'], ['1'], [null]]);
  });

  it('says which shape it saw, and ignores watermarks of other pipelines', async () => {
    const relation = await relationOf(database.url, 't');
    await client.query('ALTER TABLE t RENAME TO t2; ALTER TABLE t2 ADD COLUMN y int DEFAULT 4');
    await client.query(`SELECT pg_logical_emit_message(true, 'millrace', '1 low 3 1 another_slot')`);
    const chunk = await tap.session.windows.read({
      relation,
      rows: 1,
      max_bytes: 1e6,
      epoch: 3,
      chunk: 9,
      signal: never,
      range: { after: null, upTo: null },
    });
    expect(chunk.relation.name).toBe('t2');
    expect(await rowsOfChunk(chunk)).toEqual([['1', 'x1', '4']]);
    await tap.caughtUp();
    expect(tap.recorder.marks.map((mark) => mark.chunk)).toEqual([9, 9]);
    await client.query('DROP TABLE t2');
    await expect(
      tap.session.windows.read({
        relation,
        rows: 1,
        max_bytes: 1,
        epoch: 3,
        chunk: 10,
        signal: never,
        range: { after: null, upTo: null },
      }),
    ).rejects.toMatchObject({ code: 'MR-2013' });
  });

  it('finds a table gone, MR-2013, or renamed, whatever its lock waited for', async () => {
    const relation = await relationOf(database.url, 't');
    const loose = await relationOf(database.url, 'loose');
    const base = { rows: 5, max_bytes: 1e6, epoch: 1, signal: never, range: { after: null, upTo: null } };
    const waitsFor = (statement: string) => async (read: () => Promise<unknown>) => {
      await client.query(`BEGIN; ${statement}`);
      const reading = read().catch((error: unknown) => error);
      await waitFor(
        async () =>
          (await client.query('SELECT 1 FROM pg_catalog.pg_locks WHERE NOT granted')).rows.length > 0,
        { what: 'the read waits for the lock' },
      );
      await client.query('COMMIT');
      return reading;
    };
    const renamed = await waitsFor('ALTER TABLE t RENAME TO t9')(() =>
      tap.session.windows.read({ ...base, relation, chunk: 1 }),
    );
    expect(renamed).toMatchObject({ relation: { name: 't9' } });
    const dropped = await waitsFor('DROP TABLE t9')(() =>
      tap.session.windows.read({ ...base, relation, chunk: 2 }),
    );
    expect(dropped).toMatchObject({ code: 'MR-2013' });
    if (version >= 16) {
      // There the view of published tables opens every one of them.
      await client.query('CREATE TABLE other (id int PRIMARY KEY)');
      const beside = await waitsFor('DROP TABLE other')(() => tap.session.relations());
      expect(beside).toMatchObject([{ name: 'loose' }]);
    }
    const read = await tap.session.windows.read({ ...base, relation: loose, chunk: 3 });
    expect(read.rows.count).toBe(3);
  });

  it('does not see transactions that were open when it read, and says so', async () => {
    const other = await database.connect();
    await other.query('BEGIN');
    const { rows } = await other.query('SELECT pg_current_xact_id()::text AS xid');
    await other.query(`UPDATE t SET x = 'new' WHERE id = 1`);
    const chunk = await tap.session.windows.read({
      relation: await relationOf(database.url, 't'),
      rows: 1,
      max_bytes: 1e6,
      epoch: 1,
      chunk: 1,
      signal: never,
      range: { after: null, upTo: null },
    });
    expect(await rowsOfChunk(chunk)).toEqual([['1', 'x1']]);
    expect(sees(chunk.visibility, Number(rows[0].xid))).toBe(false);
    await other.query('COMMIT');
    await other.end();
  });
});

describe.each(postgresVersions)(
  'with a synchronous standby that never answers, PostgreSQL %i',
  (version: PostgresVersion) => {
    it('a commit is in the stream before LOW and yet invisible to the read: the facts for R36 say so, and the watermarks do not wait (R16)', async () => {
      await using server = await startPostgres({ version });
      const url = await server.createDatabase();
      const name = new URL(url).pathname.slice(1);
      const client = await server.connect(name);
      await client.query(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
      await client.query('SELECT pg_reload_conf()');
      await client.query(
        `SET synchronous_commit = local; CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'old')`,
      );
      const tap = await Tap.streaming({ url, name });
      const waiting = await server.connect(name);
      const update = waiting.query(`UPDATE t SET x = 'new'`).catch(() => undefined);
      await waitFor(() => tap.recorder.changes.includes('update t ["1","new"]'), {
        what: 'the waiting commit in the stream',
      });

      const chunk = await tap.session.windows.read({
        relation: await relationOf(url, 't'),
        rows: 10,
        max_bytes: 1e6,
        epoch: 1,
        chunk: 1,
        signal: never,
        range: { after: null, upTo: null },
      });
      await waitFor(() => tap.recorder.marks.length === 2, { what: 'both watermarks' });
      const changes = tap.recorder.changes;
      expect(changes.indexOf('update t ["1","new"]')).toBeLessThan(changes.indexOf('low 1/1'));
      expect(await rowsOfChunk(chunk)).toEqual([['1', 'old']]);
      const updated = tap.recorder.transactions.find(({ lines }) => lines.includes('update t ["1","new"]'));
      expect(sees(chunk.visibility, updated?.start.xid as number)).toBe(false);

      // Once the wait is over, a repeated read sees it.
      await client.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
      await update;
      const again = await tap.session.windows.read({
        relation: await relationOf(url, 't'),
        rows: 10,
        max_bytes: 1e6,
        epoch: 1,
        chunk: 2,
        signal: never,
        range: { after: null, upTo: null },
      });
      expect(await rowsOfChunk(again)).toEqual([['1', 'new']]);
      expect(sees(again.visibility, updated?.start.xid as number)).toBe(true);
      await tap.close();
      await client.end();
      await waiting.end();
    });
  },
);
