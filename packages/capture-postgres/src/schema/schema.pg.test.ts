import type { Relation } from '@millrace/model';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
} from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tap } from '../recorder.sample.js';
import { dropDdlTriggerSql } from './ddl-trigger.js';

const columns = (relation: Relation | undefined): string[] =>
  relation?.columns.map((column) => `${column.attnum} ${column.name} ${column.type.sql}`) ?? [];

describe.each(postgresVersions)('schema changes on PostgreSQL %i', (version: PostgresVersion) => {
  let database: TestDatabase;
  let client: Awaited<ReturnType<TestDatabase['connect']>>;
  let tap: Tap | undefined;

  beforeEach(async () => {
    database = await pgDatabase(version);
    client = await database.connect();
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (0, 'a0', 'b0')`,
    );
  });
  afterEach(async () => {
    await tap?.close();
    tap = undefined;
    await client.end();
    await database.drop();
  });

  /** A stream that starts after everything in `statements` happened, seeing it all from behind. */
  async function lagging(
    ddlEvents: 'auto' | 'off',
    statements: readonly string[],
    known = true,
  ): Promise<Tap> {
    const first = await Tap.streaming(database, { ddlEvents });
    await client.query(`INSERT INTO t VALUES (1, 'a1', 'b1')`);
    await first.caughtUp();
    first.confirmAll();
    const shapes = first.recorder.relations.map(({ relation }) => relation);
    await first.close();
    for (const statement of statements) await client.query(statement);
    const late = await Tap.open(database, { ddlEvents });
    late.stream(known ? shapes : []);
    await late.caughtUp();
    return late;
  }

  const swaps = [
    `INSERT INTO t VALUES (2, 'a2', 'b2')`,
    'ALTER TABLE t RENAME a TO tmp; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME tmp TO b',
    `INSERT INTO t VALUES (3, 'a3', 'b3')`,
    'ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a text',
    `INSERT INTO t VALUES (4, 'x4', 'y4')`,
  ];

  it('are told with the identity of every column, although the catalogue has long moved on, where the leader announces them', async () => {
    tap = await lagging('auto', swaps);
    const told = tap.recorder.relations.filter(({ relation }) => relation.name === 't');
    expect(told.every(({ certainty }) => certainty.certain && !('rewritten' in certainty))).toBe(true);
    expect(columns(told.at(-1)?.relation)).toEqual(['1 id integer', '2 b text', '4 a text']);
    // Every event came under the shape that it was written with.
    const lines = tap.recorder.transactions.flatMap((transaction) => transaction.lines);
    const shapeAt = (line: string) =>
      lines.slice(0, lines.indexOf(line)).findLast((one) => one.startsWith('relation t'));
    expect(shapeAt('insert t ["2","a2","b2"]')).toBe('relation t(id1,a2,b3)');
    expect(shapeAt('insert t ["3","a3","b3"]')).toBe('relation t(id1,b2,a3)');
    expect(shapeAt('insert t ["4","x4","y4"]')).toBe('relation t(id1,b2,a4)');
  });

  it('are uncertain from behind without announcements, never guessed', async () => {
    tap = await lagging('off', swaps);
    const told = tap.recorder.relations.filter(({ relation }) => relation.name === 't');
    expect(told.some(({ certainty }) => !certainty.certain)).toBe(true);
  });

  it('are certain without announcements while the stream keeps up', async () => {
    tap = await Tap.streaming(database, { ddlEvents: 'off' });
    for (const statement of swaps) {
      await client.query(statement);
      await tap.caughtUp();
    }
    const told = tap.recorder.relations.map(({ relation, certainty }) => [
      certainty,
      columns(relation).join(),
    ]);
    expect(told).toEqual([
      [{ certain: true }, '1 id integer,2 a text,3 b text'],
      [{ certain: true }, '1 id integer,2 b text,3 a text'],
      [{ certain: true }, '1 id integer,2 b text,4 a text'],
    ]);
  });

  it('carry the value that old rows have in a new column', async () => {
    tap = await Tap.streaming(database);
    await client.query(`INSERT INTO t VALUES (1, 'a', 'b')`);
    await client.query(
      `ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7, ADD COLUMN at timestamptz DEFAULT '2024-01-01 00:00:00+02'`,
    );
    await tap.caughtUp();
    const last = tap.recorder.relations.at(-1);
    expect(last?.certainty).toEqual({ certain: true });
    expect(last?.relation.columns.slice(3).map((column) => column.missing)).toEqual([
      '7',
      '2023-12-31 22:00:00+00',
    ]);
  });

  it.each([
    ['a volatile default', 'ALTER TABLE t ADD COLUMN r float8 DEFAULT random()'],
    ['a changed type', 'ALTER TABLE t ALTER COLUMN a TYPE int USING 1'],
  ])('tell that old rows changed: %s, with announcements and without (R38)', async (_, statement) => {
    for (const ddlEvents of ['auto', 'off'] as const) {
      if (ddlEvents === 'off') await client.query(dropDdlTriggerSql);
      tap = await Tap.streaming(database, { ddlEvents });
      await client.query(`INSERT INTO t VALUES (1, 'a', 'b')`);
      await tap.caughtUp();
      await client.query(statement);
      await client.query(`INSERT INTO t (id) VALUES (2)`);
      await tap.caughtUp();
      expect(tap.recorder.relations.at(-1)?.certainty, ddlEvents).toMatchObject({
        certain: true,
        rewritten: expect.any(String),
      });
      tap.confirmAll();
      await tap.close();
      tap = undefined;
      await client.query(`DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a text, b text)`);
      await client.query(`SELECT pg_drop_replication_slot('s_${database.name}')`);
    }
  });

  it('that rewrite nothing are not reported as rewrites', async () => {
    tap = await Tap.streaming(database);
    await client.query(`INSERT INTO t VALUES (1, 'a', 'b')`);
    await client.query(`ALTER TABLE t ADD COLUMN v varchar(10) DEFAULT 'x'`);
    await client.query('ALTER TABLE t ALTER COLUMN v TYPE varchar(20)');
    await client.query('ALTER TABLE t ALTER COLUMN a SET NOT NULL');
    await client.query('VACUUM FULL t');
    await client.query(`INSERT INTO t VALUES (2, 'a', 'b', 'c')`);
    await tap.caughtUp();
    const told = tap.recorder.relations;
    expect(told.map(({ certainty }) => certainty)).toEqual(told.map(() => ({ certain: true })));
    expect(columns(told.at(-1)?.relation)).toEqual([
      '1 id integer',
      '2 a text',
      '3 b text',
      '4 v character varying(20)',
    ]);
    expect(told.at(-1)?.relation.columns.map((column) => column.notNull)).toEqual([true, true, false, false]);
  });

  it('inside one transaction take effect between its events', async () => {
    tap = await Tap.streaming(database);
    await client.query(`BEGIN; INSERT INTO t VALUES (1, 'a', 'b'); ALTER TABLE t RENAME a TO z; INSERT INTO t VALUES (2, 'a', 'b');
      SAVEPOINT s; ALTER TABLE t ADD COLUMN gone int; INSERT INTO t VALUES (3, 'a', 'b', 4); ROLLBACK TO s;
      INSERT INTO t VALUES (5, 'a', 'b'); COMMIT`);
    await tap.caughtUp();
    expect(tap.recorder.transactions.flatMap(({ lines }) => lines)).toEqual([
      'relation t(id1,a2,b3)',
      'insert t ["1","a","b"]',
      'relation t(id1,z2,b3)',
      'insert t ["2","a","b"]',
      'insert t ["5","a","b"]',
    ]);
  });

  it('of partitions are announced through their root', async () => {
    await client.query(`CREATE TABLE p (id int, x text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)`);
    tap = await Tap.streaming(database);
    await client.query(`INSERT INTO p VALUES (1, 'x')`);
    await client.query('ALTER TABLE p RENAME x TO y');
    await tap.caughtUp();
    expect(columns(tap.recorder.relations.at(-1)?.relation)).toEqual(['1 id integer', '2 y text']);
  });

  it('by roles without any privilege of ours work as before', async () => {
    const role = `plain_${database.name}`;
    tap = await Tap.streaming(database);
    await client.query(`CREATE ROLE ${role}; GRANT CREATE ON SCHEMA public TO ${role}; SET ROLE ${role};
      CREATE TABLE theirs (id int PRIMARY KEY); INSERT INTO theirs VALUES (1); ALTER TABLE theirs ADD COLUMN x int DEFAULT 3;
      CREATE TEMP TABLE passing (id int); RESET ROLE`);
    await client.query('INSERT INTO theirs VALUES (2)');
    await tap.caughtUp();
    expect(columns(tap.recorder.relations.at(-1)?.relation)).toEqual(['1 id integer', '2 x integer']);
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it('go on without announcements, with a warning, when the role may not install event triggers', async () => {
    const role = `plain_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'p'; GRANT SELECT ON t TO ${role};
      CREATE PUBLICATION millrace FOR TABLE t; GRANT CREATE ON DATABASE ${database.name} TO ${role}`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'p';
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: unknown, text: string) => void warnings.push(text),
      child: () => logger,
    };
    const limited = { url: url.href, name: database.name };
    tap = await Tap.streaming(limited, { logger });
    expect(warnings.join()).toMatch(/may not install event triggers/);
    await client.query(`INSERT INTO t VALUES (1, 'a', 'b')`);
    await tap.caughtUp();
    expect(tap.recorder.changes).toEqual(['insert t ["1","a","b"]']);
    await expect(
      Tap.open(limited, { ddlEvents: 'on', slot: `other_${database.name}` }),
    ).rejects.toMatchObject({ code: 'MR-2002' });
    await tap.close();
    tap = undefined;
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});
