import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
  waitFor,
} from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tap } from '../recorder.sample.js';

describe.each(postgresVersions)('the stream of PostgreSQL %i', (version: PostgresVersion) => {
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

  it('delivers interleaved transactions whole and in commit order', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY, who text)');
    tap = await Tap.streaming(database);
    const other = await database.connect();
    await client.query('BEGIN');
    await other.query('BEGIN');
    await client.query(`INSERT INTO t VALUES (1, 'a')`);
    await other.query(`INSERT INTO t VALUES (2, 'b')`);
    await client.query(`INSERT INTO t VALUES (3, 'a')`);
    await other.query('COMMIT');
    await client.query('COMMIT');
    await other.end();
    await tap.caughtUp();
    expect(tap.recorder.changes).toEqual(['insert t ["2","b"]', 'insert t ["1","a"]', 'insert t ["3","a"]']);
    const [first, second] = tap.recorder.transactions.slice(-2);
    // Commits are ordered by their own records, whatever their rows' LSNs.
    expect((second?.start.commit as bigint) > (first?.start.commit as bigint)).toBe(true);
    expect((second?.start.commit as bigint) >= (first?.end as bigint)).toBe(true);
  });

  it('gives every row of a COPY its own event', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    tap = await Tap.streaming(database);
    await client.query('INSERT INTO t SELECT generate_series(1, 5000)');
    await tap.caughtUp();
    expect(new Set(tap.recorder.changes).size).toBe(5000);
  });

  it('tells unchanged TOAST from NULL, old keys from old rows, and duplicates of keyless tables', async () => {
    await client.query(`CREATE TABLE t (id int PRIMARY KEY, big text, n int);
      ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
      CREATE TABLE loose (a int, b text, big text); ALTER TABLE loose REPLICA IDENTITY FULL;
      ALTER TABLE loose ALTER big SET STORAGE EXTERNAL`);
    tap = await Tap.streaming(database);
    await client.query(`INSERT INTO t VALUES (1, repeat('x', 5000), 1)`);
    await client.query('UPDATE t SET n = NULL');
    await client.query('UPDATE t SET id = 2');
    await client.query(`INSERT INTO loose VALUES (1, 'a', repeat('y', 3000)), (1, 'a', NULL)`);
    await client.query(`UPDATE loose SET b = 'c'`);
    await client.query('DELETE FROM loose');
    await tap.caughtUp();
    const y = JSON.stringify('y'.repeat(3000));
    expect(tap.recorder.changes.slice(1)).toEqual([
      'update t ["1",absent,null]',
      'update t key ["1",null,null] ["2",absent,null]',
      `insert loose ["1","a",${y}]`,
      'insert loose ["1","a",null]',
      // Under FULL the old row is whole, though the new one may lack its large values.
      `update loose old ["1","a",${y}] ["1","c",absent]`,
      'update loose old ["1","a",null] ["1","c",null]',
      `delete loose old ["1","c",${y}]`,
      'delete loose old ["1","c",null]',
    ]);
  });

  it('delivers TRUNCATE … CASCADE as one event per table', async () => {
    await client.query(`CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)`);
    tap = await Tap.streaming(database);
    await client.query('TRUNCATE parent CASCADE');
    await tap.caughtUp();
    expect(tap.recorder.changes.sort()).toEqual(['truncate child', 'truncate parent']);
  });

  it('delivers partitions as themselves, or as their root', async () => {
    await client.query(`CREATE TABLE p (id int, r text, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
      CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b');
      CREATE PUBLICATION rooted FOR TABLE p WITH (publish_via_partition_root = true)`);
    tap = await Tap.streaming(database);
    const rooted = await Tap.streaming(database, {
      slot: `r_${database.name}`,
      publication: { name: 'rooted', create: false },
    });
    await client.query(`INSERT INTO p VALUES (1, 'a')`);
    await client.query(`UPDATE p SET r = 'b'`);
    await tap.caughtUp();
    await rooted.caughtUp();
    expect(tap.recorder.changes).toEqual([
      'insert p_a ["1","a"]',
      'delete p_a key ["1","a"]',
      'insert p_b ["1","b"]',
    ]);
    expect(rooted.recorder.changes).toEqual([
      'insert p ["1","a"]',
      'delete p key ["1","a"]',
      'insert p ["1","b"]',
    ]);
    await rooted.close();
  });

  it('carries tables of 1,600 columns and nasty names', async () => {
    const columns = Array.from({ length: 1599 }, (_, i) => `c${i} int`).join(', ');
    const name = '"Ünïcode ""quoted"" <b>;--.x"';
    await client.query(`CREATE TABLE wide (id int PRIMARY KEY, ${columns});
      CREATE SCHEMA "S.1"; CREATE TABLE "S.1".${name} ("__proto__" int PRIMARY KEY, "constructor" text, "A" int, "a" int)`);
    tap = await Tap.streaming(database);
    await client.query(`INSERT INTO wide (id, c1598) VALUES (1, 7)`);
    await client.query(`INSERT INTO "S.1".${name} VALUES (1, 'x', 2, 3)`);
    await tap.caughtUp();
    expect(tap.recorder.changes[0]).toMatch(/^insert wide \["1",null,.*null,"7"\]$/);
    expect(tap.recorder.changes[1]).toBe(`insert Ünïcode "quoted" <b>;--.x ["1","x","2","3"]`);
    const { relation } = tap.recorder.relations.at(-1) ?? {};
    expect(relation?.schema).toBe('S.1');
    expect(relation?.columns.map((column) => column.name)).toEqual(['__proto__', 'constructor', 'A', 'a']);
  });

  it('reports an idle leader, and one that writes unpublished tables only, by keepalives that advance', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE hidden (id int)');
    tap = await Tap.streaming(database, {
      publication: { name: 'one', create: true, tables: [{ schema: 'public', name: 't' }] },
    });
    await client.query('INSERT INTO hidden SELECT generate_series(1, 100)');
    const position = await tap.session.leaderPosition();
    const { recorder } = tap;
    await waitFor(() => (recorder.keepalives.at(-1) ?? 0n) >= position, {
      what: 'a keepalive',
      timeout_ms: 20_000,
    });
    expect(recorder.changes).toEqual([]);
  });

  it('confirms exactly the end it is given and starts there again (R2)', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    tap = await Tap.streaming(database);
    for (let i = 1; i <= 3; i++) await client.query(`INSERT INTO t VALUES (${i})`);
    await tap.caughtUp();
    const rows = tap.recorder.transactions.filter(({ lines }) =>
      lines.some((line) => line.startsWith('insert')),
    );
    const end = rows[1]?.end;
    if (end === undefined) throw new Error('two transactions were expected');
    tap.session.confirm({ write: end, flush: end, apply: end });
    await waitFor(
      async () => {
        const { rows: slots } = await client.query(
          `SELECT confirmed_flush_lsn::text AS at FROM pg_replication_slots WHERE slot_name = 's_${database.name}'`,
        );
        return (
          slots[0].at ===
          `${(end >> 32n).toString(16).toUpperCase()}/${(end & 0xffff_ffffn).toString(16).toUpperCase()}`
        );
      },
      { what: 'the confirmation' },
    );
    await tap.close();
    tap = await Tap.streaming(database);
    expect(tap.session.confirmed).toBe(end);
    expect(tap.session.created).toBeUndefined();
    await tap.caughtUp();
    expect(tap.recorder.changes).toEqual(['insert t ["3"]']);
  });

  it('stops reading while the sink has no room, and loses nothing by it', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY, x text)');
    tap = await Tap.open(database);
    await tap.session.created?.snapshot.close();
    const { recorder } = tap;
    let asked = 0;
    recorder.room = () => (++asked % 3 === 0 ? new Promise((resolve) => setTimeout(resolve, 5)) : undefined);
    tap.stream();
    await client.query(`INSERT INTO t SELECT g, repeat('z', 300) FROM generate_series(1, 20000) g`);
    await tap.caughtUp();
    expect(recorder.changes.length).toBe(20_000);
    expect(asked).toBeGreaterThan(10);
  });

  it('ends with what the sink throws', async () => {
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    tap = await Tap.open(database);
    await tap.session.created?.snapshot.close();
    tap.recorder.change = () => {
      throw new RangeError('no more');
    };
    tap.stream();
    const ended = expect(tap.done).rejects.toThrow(RangeError);
    await client.query('INSERT INTO t VALUES (1)');
    await ended;
  });
});
