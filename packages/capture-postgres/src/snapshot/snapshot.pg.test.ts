import type { InitialSnapshot, KeyRange, SnapshotTable } from '@millrace/capture';
import { rowOf } from '@millrace/model';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
} from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tap } from '../recorder.sample.js';

const never = new AbortController().signal;

async function readAll(
  snapshot: InitialSnapshot,
  table: SnapshotTable,
  ranges: readonly KeyRange[],
): Promise<string[][]> {
  return Promise.all(
    ranges.map(async (range) => {
      const rows: string[] = [];
      await snapshot.read(
        table,
        range,
        { row: (image) => rows.push(JSON.stringify(rowOf(image))), room: () => undefined },
        never,
      );
      return rows;
    }),
  );
}

describe.each(postgresVersions)('the initial snapshot of PostgreSQL %i', (version: PostgresVersion) => {
  let database: TestDatabase;
  let client: Awaited<ReturnType<TestDatabase['connect']>>;
  let tap: Tap | undefined;

  beforeEach(async () => {
    database = await pgDatabase(version);
    client = await database.connect();
  });
  afterEach(async () => {
    await tap?.close();
    tap = undefined;
    await client.end();
    await database.drop();
  });

  async function open(): Promise<{ snapshot: InitialSnapshot; table: (name: string) => SnapshotTable }> {
    tap = await Tap.open(database);
    const snapshot = tap.session.created?.snapshot;
    if (!snapshot) throw new Error('the slot was to be new');
    return {
      snapshot,
      table: (name) => {
        const found = snapshot.tables.find((table) => table.relation.name === name);
        if (!found) throw new Error(`no table ${name} in the snapshot`);
        return found;
      },
    };
  }

  it('and the stream together have every row once, whatever is written while the snapshot is read', async () => {
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, 'before' FROM generate_series(1, 5000) g`,
    );
    const { snapshot, table } = await open();
    await client.query(
      `INSERT INTO t SELECT g, 'after' FROM generate_series(5001, 5100) g; DELETE FROM t WHERE id <= 10; UPDATE t SET x = 'changed' WHERE id = 11`,
    );
    const chunks = await readAll(snapshot, table('t'), await snapshot.plan(table('t'), 700));
    expect(chunks.map((rows) => rows.length)).toEqual([700, 700, 700, 700, 700, 700, 700, 100]);
    expect(new Set(chunks.flat()).size).toBe(5000);
    expect(chunks.flat().every((row) => row.includes('before'))).toBe(true);
    await snapshot.close();
    tap?.stream();
    await tap?.caughtUp();
    expect(tap?.recorder.changes.length).toBe(111);
  });

  it('is cut into ranges that neither overlap nor leave gaps, for composite keys, collations and odd types', async () => {
    await client.query(
      `
      CREATE TABLE c (a text COLLATE "C", b uuid, d date, n int, PRIMARY KEY (b, a, d));
      INSERT INTO c SELECT 'k''\\' || (g % 7), md5((g % 50)::text)::uuid, '2000-01-01'::date + g, g FROM generate_series(1, 3000) g;
      CREATE TYPE mood AS ENUM ('z', 'y', 'x');
      CREATE TABLE e (m mood, v numeric, ch char(3), t timestamptz, by bytea, PRIMARY KEY (m, v, ch, t, by));
      INSERT INTO e SELECT ('{z,y,x}'::mood[])[g % 3 + 1], CASE WHEN g % 10 = 0 THEN 'NaN'::numeric ELSE g / 7.0 END, chr(97 + g % 5) || ' ',
        '1999-12-31 BC'::timestamptz + g * interval '1 hour', decode(to_hex(g + 4096), 'hex') FROM generate_series(1, 2000) g;
      CREATE TABLE u ("Weird ""name" text PRIMARY KEY); INSERT INTO u SELECT CASE g % 4 WHEN 0 THEN 'é' WHEN 1 THEN 'E' WHEN 2 THEN '_' ELSE '-' END || g FROM generate_series(1, 1500) g;
      CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`.replace(
        /;\s*CREATE COLLATION[^;]*$/,
        '',
      ),
    );
    const { snapshot, table } = await open();
    for (const [name, count] of [
      ['c', 3000],
      ['e', 2000],
      ['u', 1500],
    ] as const) {
      const plan = await snapshot.plan(table(name), 170);
      expect(plan.length).toBe(Math.ceil((count + 1) / 170));
      const chunks = await readAll(snapshot, table(name), plan);
      expect(new Set(chunks.flat()).size, name).toBe(count);
      expect(chunks.flat().length, name).toBe(count);
      expect(Math.max(...chunks.map((rows) => rows.length)), name).toBe(170);
      // A range whose ends are the same key is that key alone.
      const key = plan[0]?.upTo as readonly string[];
      expect((await readAll(snapshot, table(name), [{ after: key, upTo: key }]))[0]?.length, name).toBe(1);
    }
  });

  it('cuts text keys by their bytes, as followers order them, whatever the collation of the column', async () => {
    await client.query(`CREATE TABLE t (k text COLLATE "en-x-icu" PRIMARY KEY);
      INSERT INTO t SELECT x || g FROM unnest('{a,B,c,D}'::text[]) x, generate_series(1, 9) g`);
    const { snapshot, table } = await open();
    const plan = await snapshot.plan(table('t'), 7);
    const keys = (await readAll(snapshot, table('t'), plan)).map((rows) =>
      rows.map((row) => (JSON.parse(row) as string[])[0] as string).sort(),
    );
    const all = ['B', 'D', 'a', 'c'].flatMap((x) => Array.from({ length: 9 }, (_, i) => `${x}${i + 1}`));
    expect(keys.flat()).toEqual(all);
  });

  it('reads keyless, empty, column-less and inheriting tables as they are', async () => {
    await client.query(`CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
      INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
      CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES;
      CREATE TABLE heir (extra int) INHERITS (empty); INSERT INTO heir VALUES (1, 2)`);
    const { snapshot, table } = await open();
    const read = async (name: string) =>
      (await readAll(snapshot, table(name), await snapshot.plan(table(name), 2))).flat();
    expect(await read('loose')).toEqual(['["1","x"]', '["1","x"]', '[null,null]']);
    expect(await read('empty')).toEqual([]);
    expect(await read('bare')).toEqual(['[]']);
    expect(await read('heir')).toEqual(['["1","2"]']);
  });

  it('reads what the publication lets through: columns, rows, partitions as their root', async () => {
    if (version < 15) return;
    await client.query(`CREATE TABLE f (id int PRIMARY KEY, secret text, shown text, g int GENERATED ALWAYS AS (id * 2) STORED);
      INSERT INTO f SELECT g, 'secret', 'shown' FROM generate_series(1, 10) g;
      CREATE TABLE p (id int PRIMARY KEY, x text) PARTITION BY HASH (id);
      CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO p SELECT g, 'p' FROM generate_series(1, 100) g;
      CREATE PUBLICATION millrace FOR TABLE f (id, shown) WHERE (id > 7), TABLE p WITH (publish_via_partition_root = true)`);
    const { snapshot, table } = await open();
    expect(snapshot.tables.map((one) => one.relation.name)).toEqual(['f', 'p']);
    const f = (await readAll(snapshot, table('f'), await snapshot.plan(table('f'), 2))).flat();
    expect(f).toEqual(['["8","shown"]', '["9","shown"]', '["10","shown"]']);
    const p = (await readAll(snapshot, table('p'), await snapshot.plan(table('p'), 30))).flat();
    expect(new Set(p).size).toBe(100);
  });

  it('holds back a rewrite until it is closed, because rewritten rows are invisible to it', async () => {
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g, g FROM generate_series(1, 100) g`,
    );
    const { snapshot, table } = await open();
    await client.query(`SET lock_timeout = '200ms'`);
    await expect(client.query('ALTER TABLE t ALTER n TYPE bigint')).rejects.toThrow(/lock timeout/);
    await expect(client.query('TRUNCATE t')).rejects.toThrow(/lock timeout/);
    expect((await readAll(snapshot, table('t'), [{ after: null, upTo: null }]))[0]?.length).toBe(100);
    await snapshot.close();
    await client.query('ALTER TABLE t ALTER n TYPE bigint');
  });

  it('stops a read that is aborted, and goes on with others', async () => {
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1, 50000) g`,
    );
    const { snapshot, table } = await open();
    const stop = new AbortController();
    let seen = 0;
    const reading = snapshot.read(
      table('t'),
      { after: null, upTo: null },
      {
        row: () => {
          if (++seen === 100) stop.abort();
        },
        room: () => undefined,
      },
      stop.signal,
    );
    await expect(reading).rejects.toMatchObject({ code: 'MR-2012' });
    expect(seen).toBeLessThan(50_000);
    expect((await readAll(snapshot, table('t'), [{ after: null, upTo: ['7'] }]))[0]?.length).toBe(7);
  });

  it('stops reading while there is no room', async () => {
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g`,
    );
    const { snapshot, table } = await open();
    let seen = 0;
    let waits = 0;
    await snapshot.read(
      table('t'),
      { after: null, upTo: null },
      {
        row: () => seen++,
        room: () => {
          waits++;
          return new Promise((resolve) => setTimeout(resolve, 2));
        },
      },
      never,
    );
    expect(seen).toBe(5000);
    expect(waits).toBeGreaterThan(2);
  });

  it('names the table that may not be read', async () => {
    const role = `r_${database.name}`;
    await client.query(`CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION millrace FOR TABLE t;
      CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'p'`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'p';
    try {
      await expect(Tap.open({ url: url.href, name: database.name })).rejects.toMatchObject({
        code: 'MR-2002',
        detail: expect.stringContaining('permission denied for table t'),
      });
      // The slot that was made for nothing is gone again.
      const { rows } = await client.query(
        `SELECT 1 FROM pg_replication_slots WHERE database = '${database.name}'`,
      );
      expect(rows).toEqual([]);
    } finally {
      await client.query(`DROP ROLE ${role}`);
    }
  });
});
