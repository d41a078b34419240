import { relationName } from '@millrace/model';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
  waitFor,
} from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkSlot,
  copyOut,
  createLibraryWalSource,
  describeBackend,
  ensurePublication,
  PgSession,
  readPublication,
  readPublishedTables,
  readRelation,
  readServer,
  readSlot,
  readWalPosition,
  unidentifiedTables,
} from './index.js';

describe.each(postgresVersions)('PostgreSQL %i', (version: PostgresVersion) => {
  let database: TestDatabase;
  let session: PgSession;
  const run = (sql: string) => session.query('testing', sql);

  beforeAll(async () => {
    database = await pgDatabase(version);
    session = await PgSession.open(database.url, { role: 'leader' });
  });
  afterAll(async () => {
    await session?.close();
    await database?.drop();
  });

  it('fixes the settings that decide how values look, over those of the role', async () => {
    const admin = await database.connect();
    await admin.query(`ALTER DATABASE ${database.name} SET DateStyle = 'German'`);
    await admin.end();
    const fresh = await PgSession.open(database.url, { role: 'leader', applicationName: 'millrace test' });
    const row = await fresh.queryOne(
      'testing',
      `SELECT '2024-02-03 04:05:06.5+02'::timestamptz AS t, 'NaN'::float8 AS f, 0.1::float8 + 0.2 AS g,
        '\\x00ff'::bytea AS b, interval '1 mon -2 days' AS i, 9007199254740993 AS n, current_setting('application_name') AS a,
        current_setting('search_path') AS s`,
    );
    expect(row).toEqual({
      t: '2024-02-03 02:05:06.5+00',
      f: 'NaN',
      g: '0.30000000000000004',
      b: '\\x00ff',
      i: '1 mon -2 days',
      n: '9007199254740993',
      a: 'millrace test',
      s: '',
    });
    await fresh.close();
  });

  it('reports an unreachable server, a refused password and a missing database by fault', async () => {
    const url = new URL(database.url);
    const open = (change: (url: URL) => void) => {
      const changed = new URL(url);
      change(changed);
      return PgSession.open(changed.href, { role: 'leader' });
    };
    await expect(
      open((u) => {
        u.port = '1';
      }),
    ).rejects.toMatchObject({ code: 'MR-2001' });
    await expect(
      open((u) => {
        u.password = 'wrong';
      }),
    ).rejects.toMatchObject({ code: 'MR-2002' });
    await expect(
      open((u) => {
        u.pathname = '/nowhere';
      }),
    ).rejects.toMatchObject({ code: 'MR-2002' });
    await expect(
      open((u) => {
        u.searchParams.set('sslmode', 'require');
      }),
    ).rejects.toMatchObject({ code: 'MR-2002' });
  });

  it('describes a table: identity, nested types, missing values, generated and dropped columns', async () => {
    await run(`
      CREATE SCHEMA "Odd ""S.";
      CREATE TYPE "Odd ""S.".mood AS ENUM ('sad', 'ok', 'happy');
      CREATE DOMAIN "Odd ""S.".price AS numeric(10,2) CHECK (VALUE > 0);
      CREATE TYPE "Odd ""S.".pair AS (a int, b text);
      CREATE TABLE "Odd ""S."."__proto__" (
        gone int, b varchar(40) NOT NULL, a int NOT NULL, m "Odd ""S.".mood, p "Odd ""S.".price,
        ps "Odd ""S.".price[], n numeric(8,3)[], c "Odd ""S.".pair, r int4range, v oidvector,
        g int GENERATED ALWAYS AS (a * 2) STORED, PRIMARY KEY (a, b));
      ALTER TABLE "Odd ""S."."__proto__" DROP COLUMN gone;
      INSERT INTO "Odd ""S."."__proto__" (a, b) VALUES (1, 'x');
      ALTER TABLE "Odd ""S."."__proto__" ADD COLUMN late text DEFAULT E'it''s "{,}" \\\\', ADD COLUMN arr int[] DEFAULT '{1,NULL}',
        ADD COLUMN d date DEFAULT '2020-02-29'`);
    const relation = await readRelation(session, 'Odd "S.', '__proto__');
    expect(relation && relationName(relation)).toBe('Odd "S..__proto__');
    const names = relation?.columns.map((column) => column.name);
    expect(names?.join(' ')).toBe('b a m p ps n c r v late arr d');
    const column = (name: string) => relation?.columns.find((one) => one.name === name);
    const typeOf = (name: string) => column(name)?.type;
    expect(relation?.key).toEqual([1, 0]);
    expect(column('b')).toMatchObject({ attnum: 2, notNull: true });
    expect(typeOf('b')).toMatchObject({ sql: 'character varying(40)', kind: 'base' });
    const labels = ['sad', 'ok', 'happy'];
    expect(typeOf('m')).toMatchObject({ kind: 'enum', schema: 'Odd "S.', labels });
    expect(typeOf('p')).toMatchObject({ kind: 'domain', base: { sql: 'numeric(10,2)', typmod: 655366 } });
    const price = { kind: 'domain', base: { name: 'numeric' } };
    expect(typeOf('ps')).toMatchObject({ kind: 'array', element: price });
    const element = { sql: 'numeric(8,3)' };
    expect(typeOf('n')).toMatchObject({ kind: 'array', sql: 'numeric(8,3)[]', element });
    expect(['c', 'r', 'v'].map((name) => typeOf(name)?.kind)).toEqual(['composite', 'range', 'base']);
    const missing = ['late', 'arr', 'd', 'm'].map((name) => column(name)?.missing);
    expect(missing).toEqual(['it\'s "{,}" \\', '{1,NULL}', '2020-02-29', null]);
  });

  it('takes a domain over an array for a domain, although it prints as its base', async () => {
    await run(`CREATE DOMAIN public.row_of_ints AS int[]; CREATE DOMAIN public.named_row AS public.row_of_ints;
      CREATE TABLE public.domained (id int PRIMARY KEY, one public.named_row, many public.row_of_ints[])`);
    const relation = await readRelation(session, 'public', 'domained');
    const array = { kind: 'array', element: { name: 'int4' } };
    expect(relation?.columns[1]?.type).toMatchObject({
      kind: 'domain',
      base: { kind: 'domain', name: 'row_of_ints', base: array },
    });
    expect(relation?.columns[2]?.type).toMatchObject({
      kind: 'array',
      element: { kind: 'domain', base: array },
    });
  });

  it('takes the key from the replica identity, in index order', async () => {
    await run(`CREATE TABLE public.ident (a int NOT NULL, b int NOT NULL, c int NOT NULL, PRIMARY KEY (a));
      CREATE UNIQUE INDEX ident_cb ON public.ident (c, b) INCLUDE (a)`);
    const key = async () => {
      const relation = await readRelation(session, 'public', 'ident');
      return [relation?.identity, relation?.key];
    };
    await run('ALTER TABLE public.ident REPLICA IDENTITY USING INDEX ident_cb');
    expect(await key()).toEqual(['index', [2, 1]]);
    await run('ALTER TABLE public.ident REPLICA IDENTITY FULL');
    expect(await key()).toEqual(['full', [0]]);
    await run('ALTER TABLE public.ident REPLICA IDENTITY NOTHING');
    expect(await key()).toEqual(['nothing', []]);
    await run('CREATE TABLE public.deferred (a int, PRIMARY KEY (a) DEFERRABLE)');
    expect((await readRelation(session, 'public', 'deferred'))?.key).toEqual([]);
  });

  it('makes and extends a publication, and says which statement is wanted when it may not', async () => {
    await run(
      'CREATE TABLE public.one (id int PRIMARY KEY, x text); CREATE TABLE public.two (id int PRIMARY KEY)',
    );
    const name = 'pub "1"';
    const one = { schema: 'public', name: 'one' };
    const two = { schema: 'public', name: 'two' };
    await expect(ensurePublication(session, { name, create: false, tables: [one] })).rejects.toMatchObject({
      code: 'MR-2013',
      remedy: expect.stringContaining('CREATE PUBLICATION "pub ""1""" FOR TABLE "public"."one"'),
    });
    await ensurePublication(session, { name, create: true, tables: [one] });
    await ensurePublication(session, { name, create: true, tables: [one, two] });
    const server = await readServer(session);
    const tables = await readPublishedTables(session, name, server.version);
    expect(tables.map((table) => relationName(table.relation))).toEqual(['public.one', 'public.two']);
    await expect(
      ensurePublication(session, { name, create: true, tables: [{ schema: 'public', name: 'none' }] }),
    ).rejects.toMatchObject({ code: 'MR-2013' });
  });

  it('publishes no table whose updates the leader would then refuse, and names what mends it', async () => {
    await run(`CREATE TABLE public.keyless (a int); CREATE TABLE public."Mute" (a int PRIMARY KEY);
      ALTER TABLE public."Mute" REPLICA IDENTITY NOTHING;
      CREATE TABLE public.late (a int, PRIMARY KEY (a) DEFERRABLE);
      CREATE TABLE public.whole (a int); ALTER TABLE public.whole REPLICA IDENTITY FULL;
      CREATE TABLE public.parts (a int) PARTITION BY LIST (a);
      CREATE TABLE public.part_1 PARTITION OF public.parts FOR VALUES IN (1);
      ALTER TABLE public.part_1 REPLICA IDENTITY FULL;
      CREATE TABLE public.leaves (a int) PARTITION BY LIST (a);
      CREATE TABLE public.leaf_1 PARTITION OF public.leaves FOR VALUES IN (1)`);
    const tables = ['keyless', 'Mute', 'late', 'whole', 'parts', 'leaves', 'nowhere'].map((name) => ({
      schema: 'public',
      name,
    }));
    expect((await unidentifiedTables(session, tables)).map(({ name }) => name).sort()).toEqual(
      ['Mute', 'keyless', 'late', 'leaves'].sort(),
    );
    const wanted = { name: 'cautious', create: true, tables: tables.slice(0, 1) };
    await expect(ensurePublication(session, wanted)).rejects.toMatchObject({
      code: 'MR-2014',
      remedy: expect.stringContaining('ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL;'),
    });
    expect(await readPublication(session, 'cautious')).toBeUndefined();
    await run('ALTER TABLE public.keyless REPLICA IDENTITY FULL');
    await run(`SET ROLE pg_monitor`);
    await expect(ensurePublication(session, wanted)).rejects.toMatchObject({
      code: 'MR-2002',
      remedy: expect.stringContaining('owner, run on the leader: CREATE PUBLICATION "cautious" FOR TABLE'),
    });
    await run('RESET ROLE');
    await ensurePublication(session, wanted);
  });

  it('copies rows out as the server writes them and leaves the session usable', async () => {
    const rows: string[] = [];
    await copyOut(
      session,
      'testing',
      "COPY (SELECT g, repeat('x', g % 7) FROM generate_series(1, 20000) g) TO STDOUT",
      {
        row: (bytes, start, end) => rows.push(Buffer.from(bytes.subarray(start, end)).toString()),
        room: () => undefined,
      },
    );
    expect(rows.length).toBe(20_000);
    expect(rows[7]).toBe('8\tx\n');
    await expect(
      copyOut(session, 'testing', 'COPY (SELECT 1/0) TO STDOUT', {
        row: () => undefined,
        room: () => undefined,
      }),
    ).rejects.toThrow(/division by zero/);
    expect(await run('SELECT 1 AS one')).toEqual([{ one: '1' }]);
  });

  it('copies every row out right after a refused statement', async () => {
    for (let attempt = 0; attempt < 50; attempt++) {
      await expect(run('SELECT 1/0')).rejects.toThrow(/division by zero/);
      let rows = 0;
      await copyOut(session, 'testing', 'COPY (SELECT generate_series(1, 500)) TO STDOUT', {
        row: () => rows++,
        room: () => undefined,
      });
      expect(rows).toBe(500);
    }
    expect(await run('SELECT 1 AS one')).toEqual([{ one: '1' }]);
  });

  it('holds a slot, reports positions as they stand, and shows who holds it', async () => {
    const slot = `s_${database.name}`;
    await run(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    await run('CREATE TABLE public.t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE public.t');
    const request = { slot, options: { proto_version: '1', publication_names: '"p"' } };
    const source = createLibraryWalSource({ url: database.url });
    const stream = await source.open(request);
    const held = await readSlot(session, slot);
    expect(held?.activePid).toBeGreaterThan(0);
    expect(await describeBackend(session, held?.activePid as number)).toMatch(
      /pid \d+ \(millrace, postgres, 127/,
    );
    checkSlot(held as NonNullable<typeof held>, database.name);
    await expect(source.open(request)).rejects.toMatchObject({ code: 'MR-2004' });

    await run('INSERT INTO public.t VALUES (1)');
    const kinds: string[] = [];
    const stop = new AbortController();
    const running = stream.run(
      {
        payload: (bytes, start) => {
          kinds.push(String.fromCharCode(bytes[start] as number));
          return undefined;
        },
        keepalive: () => undefined,
        room: () => undefined,
      },
      stop.signal,
    );
    await waitFor(() => kinds.join('') === 'BRIC', { what: 'the transaction', timeout_ms: 5000 });
    const end = await readWalPosition(session);
    stream.report({ write: end, flush: end, apply: end });
    await waitFor(async () => (await readSlot(session, slot))?.confirmed === end, {
      what: 'the confirmation',
      timeout_ms: 5000,
    });
    stop.abort();
    await running;
    await stream.close();
    await waitFor(async () => (await readSlot(session, slot))?.activePid === null, {
      what: 'the slot to be free',
      timeout_ms: 5000,
    });
    await expect(source.open({ ...request, slot: 'missing_slot' })).rejects.toMatchObject({
      code: 'MR-2005',
    });
  });

  it('ends a stream with MR-2012 when its connection breaks, and with the sink’s own error', async () => {
    const slot = `b_${database.name}`;
    await run(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const request = { slot, options: { proto_version: '1', publication_names: '"p"' } };
    const handler = { payload: () => undefined, keepalive: () => undefined, room: () => undefined };
    const source = createLibraryWalSource({ url: database.url });
    const stream = await source.open(request);
    const running = stream.run(handler, new AbortController().signal);
    const caught = expect(running).rejects.toMatchObject({ code: 'MR-2012' });
    await run(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}'`,
    );
    await caught;
    await stream.close();

    const again = await source.open(request);
    const failing = again.run(
      {
        ...handler,
        payload: () => {
          throw new Error('sink says no');
        },
      },
      new AbortController().signal,
    );
    const refused = expect(failing).rejects.toThrow('sink says no');
    await run('INSERT INTO public.t VALUES (2)');
    await refused;
    await again.close();
  });
});
