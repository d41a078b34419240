import { randomBytes } from 'node:crypto';
import type { Follower, FollowerPartition, StoredPosition } from '@millrace/follower';
import { batchOf, faultOf, shapes, storedPosition } from '@millrace/follower/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPostgresFollower } from './follower.js';

const at = (step: number): StoredPosition => storedPosition(BigInt(100 + step));
const items = shapes.itemsTable();

describe('A PostgreSQL follower in partitioned mode (R27)', () => {
  let database: TestDatabase;
  let follower: Follower;
  let zero: FollowerPartition;

  beforeEach(async () => {
    database = await pgDatabase(18);
    follower = createPostgresFollower({
      url: database.url,
      name: 'copy',
      clock: systemClock,
      logger: silentLogger,
      existingTables: 'adopt',
    });
    await follower.partitioned?.register(at(0), 2, { reset: false });
    zero = follower.partitioned?.open(0) as FollowerPartition;
    await zero.takeOver(randomBytes(16));
  });
  afterEach(async () => {
    await zero.close();
    await follower.close();
    await database.drop();
  });

  async function sql(text: string): Promise<void> {
    const client = await database.connect();
    await client.query(text).finally(() => client.end());
  }
  async function create(): Promise<void> {
    const tx = await zero.beginAll(at(0), at(1));
    try {
      await tx?.evolve(items, [{ kind: 'create-table' }]);
      await tx?.commit();
    } catch (error) {
      await tx?.abort();
      throw error;
    }
  }
  const place = `"${items.relation.schema}"."${items.relation.name}"`;
  const [key, name] = items.relation.columns.map((column) => column.name) as [string, string];

  test.each([
    ['a unique constraint beside the key', `ALTER TABLE ${place} ADD CONSTRAINT spans UNIQUE ("${name}")`],
    ['a unique index on an expression', `CREATE UNIQUE INDEX spans ON ${place} (lower("${name}"))`],
    [
      'a foreign key',
      `CREATE TABLE other (x int REFERENCES ${place}); ALTER TABLE other RENAME CONSTRAINT other_x_fkey TO spans`,
    ],
    [
      'an exclusion constraint',
      `ALTER TABLE ${place} ADD CONSTRAINT spans EXCLUDE USING btree ("${name}" WITH =)`,
    ],
  ])('refuses to work on a table with %s, and names it', async (_what, statement) => {
    await create();
    await sql(statement);
    const work = zero.takeOver(randomBytes(16));
    expect(await faultOf(work)).toBe('MR-4014');
    await expect(work).rejects.toThrow(/spans/);
  });

  test('refuses to take over a table that has such a constraint already', async () => {
    await sql(
      `CREATE TABLE ${place} (${items.relation.columns
        .map((column, i) => `"${column.name}" ${column.type.sql}${i === 0 ? ' PRIMARY KEY' : ''}`)
        .join(', ')}, UNIQUE ("${name}"))`,
    );
    expect(await faultOf(create())).toBe('MR-4014');
    expect(await follower.partitioned?.rows()).toMatchObject(
      [at(0), at(0)].map(({ position }) => ({ position })),
    );
  });

  test.each([
    ['numeric', 'numeric'],
    ['float8', 'float8'],
    ['interval', 'interval USING make_interval(days => "KEY"::int)'],
    ['text COLLATE any_case', 'text COLLATE any_case'],
  ])('refuses a key of %s, of which one value may come by two partitions', async (_what, type) => {
    await create();
    await sql(`CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      ALTER TABLE ${place} ALTER COLUMN "${key}" TYPE ${type.replace('KEY', key)}`);
    const work = zero.takeOver(randomBytes(16));
    expect(await faultOf(work)).toBe('MR-4014');
    await expect(work).rejects.toThrow(/several spellings/);
  });

  test('accepts keys of which one value has one spelling', async () => {
    await create();
    for (const type of ['numeric(20, 2)', 'text', 'varchar(30)']) {
      await sql(`ALTER TABLE ${place} ALTER COLUMN "${key}" TYPE ${type}`);
      expect(await zero.takeOver(randomBytes(16))).toBeDefined();
    }
  });

  test('opens one reading connection for all partitions again when it broke', async () => {
    const partitions = Array.from({ length: 12 }, () => follower.partitioned?.open(0) as FollowerPartition);
    await zero.position();
    const sessions = async (): Promise<number> => {
      const client = await database.connect();
      const { rows } = await client
        .query(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace %'",
        )
        .finally(() => client.end());
      return rows[0].n as number;
    };
    const before = await sessions();
    await sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace %' AND pid <> pg_backend_pid()",
    );
    await Promise.all([...partitions, ...partitions].map((each) => each.position().catch(() => undefined)));
    await Promise.all(partitions.map((each) => each.position()));
    expect(await sessions()).toBeLessThanOrEqual(before);
  });

  test('accepts unique indexes that contain the key, and indexes that are not unique', async () => {
    await create();
    await sql(`CREATE UNIQUE INDEX ON ${place} ("${name}", "${key}"); CREATE INDEX ON ${place} ("${name}")`);
    expect(await zero.takeOver(randomBytes(16))).toBeDefined();
    const tx = await zero.begin(at(1), at(2));
    await tx.write(batchOf(items, { upserts: [['1', 'one', null, null]] }));
    await tx.commit();
  });
});
