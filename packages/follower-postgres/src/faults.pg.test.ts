import { randomBytes } from 'node:crypto';
import { batchOf, type Driver, driverOn, faultOf, shapes } from '@millrace/follower/conformance';
import { type ColumnType, diffRelations } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, TcpProxy, type TestDatabase } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPostgresFollower } from './follower.js';
import type { PostgresFollowerOptions } from './options.js';

const { column, itemsTable, mirrored, relation, types } = shapes;
const id = column(1, 'id', types.int4);

describe('a PostgreSQL follower', () => {
  let database: TestDatabase;
  const drivers: Driver[] = [];
  const proxies: TcpProxy[] = [];

  beforeEach(async () => {
    database = await pgDatabase(18);
  });
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.follower.close();
    for (const proxy of proxies.splice(0)) await proxy.stop();
    await database.drop();
  });

  async function start(options: Partial<PostgresFollowerOptions> = {}): Promise<Driver> {
    const follower = createPostgresFollower({
      url: database.url,
      name: 'copy',
      clock: systemClock,
      logger: silentLogger,
      ...options,
    });
    const driver = await driverOn(follower);
    drivers.push(driver);
    return driver;
  }

  async function sql(text: string): Promise<Record<string, unknown>[]> {
    const client = await database.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  const proxied = async (): Promise<TcpProxy> => {
    const proxy = await TcpProxy.startBefore(database.url);
    proxies.push(proxy);
    return proxy;
  };

  test('whose answer to a commit is lost does not know its outcome, and finds it after a new takeover', async () => {
    const proxy = await proxied();
    const driver = await start({ url: proxy.urlThrough(database.url) });
    const items = itemsTable();
    await driver.create(items);
    const to = driver.next();
    const tx = await driver.follower.begin(driver.at, to);
    await tx.write(batchOf(items, { upserts: [['1', 'one', null, null]] }));
    // Waits for the rows, so that only the commit is under way.
    await tx.evolve(items, []);
    proxy.drop('toClient');
    const committed = tx.commit();
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.cut();
    proxy.undrop('toClient');
    expect(await faultOf(committed)).toBe('MR-4011');
    const again = await driver.follower.takeOver(randomBytes(16));
    // The server had it: only its answer was lost.
    expect(again?.position).toEqual(to.position);
    expect(await driver.rows(items)).toHaveLength(1);
  });

  test('whose connection breaks in a transaction says so, changes nothing and goes on after a new takeover', async () => {
    const proxy = await proxied();
    const driver = await start({ url: proxy.urlThrough(database.url) });
    const items = itemsTable();
    await driver.create(items);
    const tx = await driver.follower.begin(driver.at, driver.next());
    await tx.write(batchOf(items, { upserts: [['1', 'one', null, null]] }));
    proxy.cut();
    expect(await faultOf(tx.write(batchOf(items, { deletes: [['1']] })))).toBe('MR-4001');
    await tx.abort();
    await driver.follower.takeOver(randomBytes(16));
    expect(await driver.rows(items)).toEqual([]);
    await driver.write(items, { upserts: [['2', 'two', null, null]] });
  });

  test('paused with the row locked is ended by the server, so that its successor gets through (R22)', async () => {
    const old = await start({ idleInTransactionTimeout_ms: 300 });
    const items = itemsTable();
    await old.create(items);
    const tx = await old.follower.begin(old.at, old.next());
    await tx.write(batchOf(items, { upserts: [['1', 'zombie', null, null]] }));
    const fresh = await start();
    expect(['MR-4001', 'MR-4011']).toContain(await faultOf(tx.commit()));
    expect(await fresh.rows(items)).toEqual([]);
    await fresh.write(items, { upserts: [['2', 'fresh', null, null]] });
  });

  test('names table and constraint of a refused row, and never a value', async () => {
    const driver = await start();
    const items = itemsTable();
    await driver.create(items);
    await sql(`ALTER TABLE items ADD CONSTRAINT no_secrets CHECK (name <> 'secret')`);
    const refused = driver.write(items, { upserts: [['1', 'secret', null, null]] });
    await expect(refused).rejects.toMatchObject({ code: 'MR-4006' });
    await expect(refused).rejects.toThrow(/items.*no_secrets/);
    await expect(refused).rejects.not.toThrow(/'secret'/);
    const misfit = driver.write(items, { upserts: [['one two three', null, null, null]] });
    await expect(misfit).rejects.toMatchObject({ code: 'MR-5001' });
    await expect(misfit).rejects.not.toThrow(/one two three/);
    await driver.write(items, { upserts: [['1', 'fine', null, null]] });
  });

  test('refuses a value too long for its column instead of cutting it', async () => {
    const driver = await start();
    const table = mirrored(
      relation({ name: 'short', columns: [id, column(2, 'v', types.varchar10), column(3, 'b', types.bit8)] }),
    );
    await driver.create(table);
    expect(await faultOf(driver.write(table, { upserts: [['1', 'x'.repeat(11), null]] }))).toBe('MR-5001');
    expect(await faultOf(driver.write(table, { upserts: [['1', null, '101']] }))).toBe('MR-5001');
    expect(await driver.rows(table)).toEqual([]);
  });

  test('leaves a table of somebody else alone, unless it is empty and fits, or may be adopted', async () => {
    await sql('CREATE TABLE taken (id integer PRIMARY KEY, v text); INSERT INTO taken VALUES (7, $$mine$$)');
    await sql(
      'CREATE TABLE misfit (id integer PRIMARY KEY); CREATE TABLE vacant (id integer PRIMARY KEY, v text, extra text)',
    );
    const shape = (name: string) => mirrored(relation({ name, columns: [id, column(2, 'v', types.text)] }));
    const driver = await start();
    await expect(driver.create(shape('taken'))).rejects.toMatchObject({ code: 'MR-4008' });
    await expect(driver.create(shape('misfit'))).rejects.toThrow(/no column v/);
    await driver.create(shape('vacant'));
    await driver.write(shape('vacant'), { upserts: [['1', 'x']] });
    expect(await sql('SELECT * FROM taken')).toEqual([{ id: 7, v: 'mine' }]);
    const adopting = await start({ existingTables: 'adopt' });
    await adopting.create(shape('taken'));
    await adopting.write(shape('taken'), { upserts: [['8', 'new']] });
    expect(await adopting.rows(shape('taken'))).toEqual([
      ['7', 'mine'],
      ['8', 'new'],
    ]);
  });

  test('keeps out of its own schema, and maps schemas where told', async () => {
    const own = mirrored(relation({ schema: 'millrace', name: 'positions', columns: [id] }));
    const driver = await start();
    expect(await faultOf(driver.create(own))).toBe('MR-4008');
    const mapped = await start({ name: 'other', schemas: { millrace: 'leader_millrace' } });
    await mapped.create(own);
    await mapped.write(own, { upserts: [['1']] });
    expect(await sql('SELECT id FROM leader_millrace.positions')).toEqual([{ id: 1 }]);
  });

  test('holds types it does not have as text', async () => {
    const foreign: ColumnType = {
      oid: 90_000,
      schema: 'public',
      name: 'citext',
      kind: 'base',
      typmod: -1,
      sql: 'citext',
    };
    const moods: ColumnType = {
      oid: 90_001,
      schema: 'public',
      name: '_mood',
      kind: 'array',
      typmod: -1,
      sql: 'mood[]',
      element: shapes.mood,
    };
    const driver = await start();
    const table = mirrored(
      relation({ name: 'held', columns: [id, column(2, 'a', foreign), column(3, 'b', moods)] }),
    );
    await driver.create(table);
    await driver.write(table, { upserts: [['1', 'MixedCase', '{sad,"it\'s \\"fine\\""}']] });
    expect(await driver.rows(table)).toEqual([['1', 'MixedCase', '{sad,"it\'s \\"fine\\""}']]);
    const held = await sql(`SELECT pg_typeof(a)::text AS a, pg_typeof(b)::text AS b FROM held`);
    expect(held).toEqual([{ a: 'text', b: 'text[]' }]);
  });

  test('does not fire triggers or foreign keys for mirrored rows', async () => {
    const driver = await start();
    const items = itemsTable();
    await driver.create(items);
    await sql(`CREATE TABLE log (n int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END';
      CREATE TRIGGER note AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION note()`);
    await driver.write(items, { upserts: [['1', 'one', null, null]] });
    expect(await sql('SELECT * FROM log')).toEqual([]);
  });

  test('stops, naming the table, when a mirrored table was dropped or altered by hand', async () => {
    const driver = await start();
    const items = itemsTable();
    await driver.create(items);
    await sql('ALTER TABLE items DROP COLUMN note');
    const altered = await start();
    await expect(altered.write(items, { upserts: [['1', null, null, null]] })).rejects.toThrow(
      /MR-4006.*items.*note/,
    );
    await sql('DROP TABLE items');
    const dropped = await start();
    await expect(dropped.write(items, { upserts: [['1', null, null, null]] })).rejects.toThrow(
      /MR-4006.*items/,
    );
  });

  test('widens a column without writing the table anew', async () => {
    const driver = await start();
    const table = mirrored(relation({ name: 'wide', columns: [id, column(2, 'v', types.varchar10)] }));
    await driver.create(table);
    await driver.write(table, { upserts: [['1', 'x']] });
    const [before] = await sql(`SELECT pg_relation_filenode('wide') AS node`);
    const wider = {
      ...table,
      version: 2,
      relation: {
        ...table.relation,
        columns: [id, column(2, 'v', types.varchar20)].map((one, i) =>
          i === 0 ? { ...one, notNull: true } : one,
        ),
      },
    };
    await driver.apply((tx) => tx.evolve(wider, diffRelations(table.relation, wider.relation)));
    expect(await sql(`SELECT pg_relation_filenode('wide') AS node`)).toEqual([before]);
  });

  test('works for a role that may not mute triggers', async () => {
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await sql(
      `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT CREATE ON DATABASE ${database.name} TO ${role}; GRANT CREATE ON SCHEMA public TO ${role}`,
    );
    try {
      const url = new URL(database.url);
      url.username = role;
      url.password = 'pw';
      const driver = await start({ url: url.href });
      await driver.create(itemsTable());
      await driver.write(itemsTable(), { upserts: [['1', 'one', null, null]] });
      await driver.follower.close();
    } finally {
      await sql(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });

  test('copies the rows of a snapshot, and still replaces those it meets', async () => {
    const driver = await start();
    const items = { ...itemsTable(), state: 'building' as const };
    await driver.create(items);
    const rows = (from: number, count: number, name: string) =>
      Array.from({ length: count }, (_, i) => [
        `${from + i}`,
        name,
        null,
        i % 7 === 0 ? 'tab\tnew\nline\\N' : '\\N',
      ]);
    await driver.apply(async (tx) => {
      await tx.write(batchOf(items, { upserts: rows(0, 1000, 'first') }));
      await tx.write(batchOf(items, { upserts: rows(500, 1000, 'second') }));
      await tx.write(batchOf(items, { upserts: rows(1400, 1000, 'third') }));
    });
    const expected = [...rows(0, 500, 'first'), ...rows(500, 900, 'second'), ...rows(1400, 1000, 'third')];
    expect(await driver.rows(items)).toEqual(expected);
  });

  test('that cannot be reached is waited for', async () => {
    const follower = createPostgresFollower({
      url: 'postgresql://x@127.0.0.1:1/x',
      name: 'n',
      clock: systemClock,
      logger: silentLogger,
    });
    expect(await faultOf(follower.position())).toBe('MR-4001');
    await follower.close();
  });
});
