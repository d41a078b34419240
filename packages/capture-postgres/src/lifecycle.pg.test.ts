import { readFileSync } from 'node:fs';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  startPostgres,
  waitFor,
} from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { createPostgresSource } from './postgres-source.js';
import { Tap } from './recorder.sample.js';

const acquireTimeout_ms = 20_000;

describe.each(postgresVersions)('a source on PostgreSQL %i', (version: PostgresVersion) => {
  it('waits for a slot that another session holds, says who, and takes it when it is free (R5)', async () => {
    await using database = await pgDatabase(version);
    const holder = await Tap.streaming(database, { applicationName: 'the other one' });
    const waits: string[] = [];
    const waiting = Tap.open(database, {}, waits);
    await waitFor(() => waits.length >= 2, { what: 'two reports of waiting', timeout_ms: acquireTimeout_ms });
    expect(waits.at(-1)).toMatch(/MR-2004.*is held by pid \d+ \(the other one, postgres, 127\.0\.0\.1/);
    await holder.close();
    const tap = await waiting;
    expect(tap.session.created).toBeUndefined();
    await tap.close();
  });

  it('gives up waiting when it is told to', async () => {
    await using database = await pgDatabase(version);
    const holder = await Tap.streaming(database);
    const stop = new AbortController();
    const source = createPostgresSource({
      url: database.url,
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: true },
    });
    const waiting = source.acquire({ signal: stop.signal, onWait: () => stop.abort() });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await holder.close();
  });

  it('ends with MR-2012 when its slot’s session is ended, and resumes from what was confirmed', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const tap = await Tap.open(database);
    await tap.session.created?.snapshot.close();
    tap.stream();
    const broken = expect(tap.done).rejects.toMatchObject({ code: 'MR-2012' });
    await client.query('INSERT INTO t VALUES (1)');
    await tap.caughtUp();
    await client.query(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 's_${database.name}'`,
    );
    await broken;
    await tap.close();
    const again = await Tap.streaming(database);
    await again.caughtUp();
    expect(again.recorder.changes).toEqual(['insert t ["1"]']);
    await again.close();
    await client.end();
  });

  it('that finds its slot dropped makes it anew and shows that it did', async () => {
    await using database = await pgDatabase(version);
    const first = await Tap.streaming(database);
    await first.close();
    const client = await database.connect();
    await waitFor(
      async () => {
        await client.query(`SELECT pg_drop_replication_slot('s_${database.name}')`);
        return true;
      },
      { what: 'the slot to be dropped' },
    );
    const second = await Tap.open(database);
    expect(second.session.created?.consistentPoint).toBe(second.session.confirmed);
    expect(second.session.confirmed > first.session.confirmed).toBe(true);
    await second.close();
    await client.end();
  });

  it('refuses a slot of another plugin or database, a missing publication, and names that are none', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(`SELECT pg_create_logical_replication_slot('x_${database.name}', 'test_decoding')`);
    await expect(Tap.open(database, { slot: `x_${database.name}` })).rejects.toMatchObject({
      code: 'MR-2003',
    });
    await expect(Tap.open(database, { publication: { name: 'none', create: false } })).rejects.toMatchObject({
      code: 'MR-2013',
    });
    await expect(Tap.open(database, { slot: 'No Slot' })).rejects.toMatchObject({ code: 'MR-1003' });
    await client.end();
  });

  it('drops the slot again when the snapshot could not be taken, so that the next try has one', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const stop = new AbortController();
    const source = createPostgresSource({
      url: database.url,
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: true },
    });
    // A transaction with an id holds the new slot's start back.
    await client.query('BEGIN; INSERT INTO t VALUES (1)');
    const waits: string[] = [];
    const acquiring = source.acquire({ signal: stop.signal, onWait: (reason) => waits.push(reason) });
    await waitFor(() => waits.length > 0, { what: 'the wait to be shown', timeout_ms: acquireTimeout_ms });
    expect(waits[0]).toMatch(/transactions that run on the leader/);
    stop.abort();
    await expect(acquiring).rejects.toMatchObject({ name: 'AbortError' });
    await client.query('COMMIT');
    const tap = await Tap.open(database);
    expect(tap.session.created).toBeDefined();
    await tap.close();
    await client.end();
  });

  it('survives a restart and a crash of the leader without loss', async () => {
    await using server = await startPostgres({ version });
    const database = { url: await server.createDatabase(), name: 'crash' };
    const name = new URL(database.url).pathname.slice(1);
    const client = await server.connect(name);
    await client.query('CREATE TABLE t (id int PRIMARY KEY); ');
    const seen = new Set<string>();
    const note = (tap: Tap): void => {
      for (const line of tap.recorder.changes) seen.add(line);
    };
    let tap = await Tap.streaming(database);
    await client.query('INSERT INTO t VALUES (1)');
    await tap.caughtUp();
    tap.confirmAll();
    await client.query('INSERT INTO t VALUES (2)');
    await client.end();
    await server.kill9();
    note(tap);
    await tap.close();

    const waits: string[] = [];
    const back = Tap.open(database, {}, waits);
    await waitFor(() => waits.length > 0, { what: 'a report of the wait' });
    expect(waits[0]).toMatch(/MR-2001/);
    await server.start();
    tap = await back;
    tap.stream();
    const after = await server.connect(name);
    await after.query('INSERT INTO t VALUES (3)');
    await tap.caughtUp();
    note(tap);
    expect([...seen].sort()).toEqual(['insert t ["1"]', 'insert t ["2"]', 'insert t ["3"]']);
    await after.end();
    await tap.close();
  });

  it.each(['beyond-2^53', 'beyond-2^63'] as const)('has exact positions %s', async (startLsn) => {
    await using server = await startPostgres({ version, startLsn });
    const database = { url: await server.createDatabase(), name: 'far' };
    const client = await server.connect(new URL(database.url).pathname.slice(1));
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const tap = await Tap.streaming(database);
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('INSERT INTO t VALUES (2)');
    await tap.caughtUp();
    const transactions = tap.recorder.transactions.filter(({ lines }) => lines.length > 0);
    const end = transactions[0]?.end as bigint;
    expect(end > (startLsn === 'beyond-2^53' ? 2n ** 53n : 2n ** 63n)).toBe(true);
    tap.session.confirm({ write: end as never, flush: end as never, apply: end as never });
    await waitFor(
      async () => {
        const { rows } = await client.query(
          `SELECT confirmed_flush_lsn - '0/0'::pg_lsn = ${end} AS exact FROM pg_replication_slots`,
        );
        return rows[0].exact;
      },
      { what: 'the exact confirmation' },
    );
    await tap.close();
    const again = await Tap.streaming(database);
    expect(again.session.confirmed).toBe(end);
    await again.caughtUp();
    expect(again.recorder.changes).toEqual(['insert t ["2"]']);
    await again.close();
    await client.end();
  });

  it('stays connected while the sink has no room for longer than wal_sender_timeout (promise 10)', async () => {
    await using server = await startPostgres({ version, conf: { wal_sender_timeout: '1s' } });
    const database = { url: await server.createDatabase(), name: 'slow' };
    const client = await server.connect(new URL(database.url).pathname.slice(1));
    await client.query('CREATE TABLE t (id int PRIMARY KEY, x text)');
    const tap = await Tap.open(database);
    // Held, too, before it is read for the first time.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await tap.session.created?.snapshot.close();
    let release = (): void => undefined;
    let blocked = false;
    tap.recorder.room = () => {
      if (blocked || tap.recorder.transactions.length === 0) return undefined;
      blocked = true;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    tap.stream();
    await client.query(`INSERT INTO t VALUES (0, 'first')`);
    await waitFor(() => blocked, { what: 'the sink to be full' });
    await client.query(`INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) g`);
    await new Promise((resolve) => setTimeout(resolve, 3500));
    const { rows } = await client.query('SELECT count(*)::int AS n FROM pg_stat_replication');
    expect(rows[0].n).toBe(1);
    release();
    await tap.caughtUp();
    expect(tap.recorder.changes.length).toBe(20_001);
    await tap.close();
    await client.end();
  });

  it('reads a transaction of two million rows in bounded memory', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY, x text)');
    const tap = await Tap.streaming(database);
    let rows = 0;
    let peak_kb = 0;
    const anonymous_kb = (): number =>
      Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
    tap.recorder.change = () => {
      if (++rows % 50_000 === 0) peak_kb = Math.max(peak_kb, anonymous_kb());
    };
    const before_kb = anonymous_kb();
    await client.query(`INSERT INTO t SELECT g, 'row number ' || g FROM generate_series(1, 2000000) g`);
    await tap.caughtUp(100_000);
    expect(rows).toBe(2_000_000);
    const growth_max_kb = 150_000;
    expect(peak_kb - before_kb).toBeLessThan(growth_max_kb);
    await tap.close();
    await client.end();
  }, 120_000);
});
