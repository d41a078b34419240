import { PgSession } from '@millrace/postgres';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
} from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tap } from '../recorder.sample.js';
import { partitionsWithRows, readPartitions } from './partitions.js';

describe.each(postgresVersions)(
  'a table published for its partitions, PostgreSQL %i',
  (version: PostgresVersion) => {
    let database: TestDatabase;
    let client: Awaited<ReturnType<TestDatabase['connect']>>;
    let tap: Tap;

    beforeEach(async () => {
      database = await pgDatabase(version);
      client = await database.connect();
      await client.query(`CREATE TABLE m (id int PRIMARY KEY, x text NOT NULL, big text) PARTITION BY RANGE (id);
      ALTER TABLE m ALTER big SET STORAGE EXTERNAL;
      CREATE TABLE m0 PARTITION OF m FOR VALUES FROM (0) TO (10);
      CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
      CREATE TABLE m10 PARTITION OF m1 FOR VALUES FROM (10) TO (15);
      INSERT INTO m VALUES (1, 'one', repeat('l', 9000)), (11, 'eleven', NULL);
      CREATE PUBLICATION millrace FOR ALL TABLES WITH (publish_via_partition_root = true)`);
      tap = await Tap.streaming(database);
    });
    afterEach(async () => {
      await tap.close();
      await client.end();
      await database.drop();
    });

    async function idOf(name: string): Promise<number> {
      const { rows } = await client.query(`SELECT '${name}'::regclass::oid::int AS id`);
      return rows[0].id;
    }

    const leaves = async (): Promise<string[]> => {
      const looked = await tap.session.partitions?.look();
      return [...(looked?.values() ?? [])].flat().map(({ name, file }) => `${name} ${file}`);
    };

    it('is told apart by its leaves and their files', async () => {
      await tap.session.relations();
      const before = await leaves();
      expect(before.map((leaf) => leaf.split(' ')[0])).toEqual(['public.m0', 'public.m10']);
      await client.query('TRUNCATE m10');
      const truncated = await leaves();
      expect(truncated[0]).toBe(before[0]);
      expect(truncated[1]).not.toBe(before[1]);
      await client.query('ALTER TABLE m DETACH PARTITION m0');
      expect(await leaves()).toEqual([truncated[1]]);
    });

    it('has new partitions whose rows all came as inserts, and others', async () => {
      await client.query(`CREATE TABLE made PARTITION OF m FOR VALUES FROM (20) TO (30); INSERT INTO m VALUES (21, 'new');
      CREATE TABLE empty (LIKE m INCLUDING ALL); ALTER TABLE m ATTACH PARTITION empty FOR VALUES FROM (30) TO (40);
      CREATE TABLE filled (LIKE m INCLUDING ALL); INSERT INTO filled VALUES (41, 'x');
      ALTER TABLE m ATTACH PARTITION filled FOR VALUES FROM (40) TO (50);
      CREATE TABLE replaced PARTITION OF m FOR VALUES FROM (50) TO (60); INSERT INTO m VALUES (51, 'gone'); `);
      await client.query(`TRUNCATE replaced`);
      await client.query(`BEGIN; CREATE TABLE at_once (LIKE m INCLUDING ALL); INSERT INTO at_once VALUES (61, 'x');
      ALTER TABLE m ATTACH PARTITION at_once FOR VALUES FROM (60) TO (70); COMMIT`);
      await client.query(
        `ALTER TABLE m ADD COLUMN later int DEFAULT 3; ALTER TABLE m ALTER later SET NOT NULL; ANALYZE m`,
      );
      const names = ['made', 'empty', 'filled', 'replaced', 'at_once'];
      const ids = new Map<number, string>();
      for (const name of names) ids.set(await idOf(name), name);
      const session = await PgSession.open(database.url, { role: 'leader' });
      const found = await partitionsWithRows(session, [...ids.keys()]);
      expect([...found].map((id) => ids.get(id)).sort()).toEqual(['at_once', 'filled', 'replaced']);
      expect([...(await readPartitions(session, [await idOf('m')])).values()].flat()).toHaveLength(7);
      await session.close();
    });

    it('is said to have changed without events through its stream, again and again until that is confirmed', async () => {
      await client.query(`INSERT INTO m VALUES (2, 'two')`);
      await tap.caughtUp();
      await tap.session.partitions?.suspect(await idOf('m'), 'partition m0 was detached');
      await tap.session.partitions?.suspect(await idOf('pg_class'), 'nothing that is published');
      await tap.caughtUp();
      const told = { certain: true, rewritten: 'partition m0 was detached' };
      expect(tap.recorder.relations.map(({ certainty }) => certainty)).toEqual([{ certain: true }, told]);
      const known = tap.recorder.relations.map(({ relation }) => relation);
      await tap.close();
      tap = await Tap.open(database);
      tap.stream(known);
      await tap.caughtUp();
      expect(tap.recorder.relations.map(({ certainty }) => certainty)).toContainEqual(told);
      tap.confirmAll();
    });

    it('is told alone, not its partitions, whatever joins it', async () => {
      await client.query(`INSERT INTO m VALUES (2, 'two')`);
      await client.query(
        `CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (20) TO (30); INSERT INTO m VALUES (21, 'new')`,
      );
      await client.query(`CREATE TABLE n (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE n1 PARTITION OF n DEFAULT;
      INSERT INTO n VALUES (1)`);
      await tap.caughtUp();
      expect(tap.recorder.relations.map(({ relation }) => relation.name)).toEqual(['m', 'n']);
      expect(tap.recorder.changes).toHaveLength(3);
      // Detached, it is a table of its own.
      await client.query('ALTER TABLE m DETACH PARTITION m2; INSERT INTO m2 VALUES (22, $$x$$)');
      await tap.caughtUp();
      expect(tap.recorder.relations.at(-1)?.relation.name).toBe('m2');
      expect(tap.recorder.changes.at(-1)).toBe('insert m2 ["22","x",null]');
    });

    it('whose identity is FULL, and its partition’s is not, has old rows of the key alone', async () => {
      await client.query('ALTER TABLE m REPLICA IDENTITY FULL');
      await client.query(`UPDATE m SET id = 3, x = 'moved' WHERE id = 1`);
      await client.query('DELETE FROM m WHERE id = 3');
      await client.query('ALTER TABLE m0 REPLICA IDENTITY FULL');
      await client.query(`INSERT INTO m VALUES (4, 'four')`);
      await client.query('DELETE FROM m WHERE id = 4');
      await tap.caughtUp();
      expect(tap.recorder.changes).toEqual([
        'update m key ["1",null,null] ["3","moved",absent]',
        'delete m key ["3",null,null]',
        'insert m ["4","four",null]',
        'delete m old ["4","four",null]',
      ]);
    });
  },
);
