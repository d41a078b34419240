import type { Client } from 'pg';
import type { RecordingName } from './recording.js';

/** What happens on the leader while a stream is recorded: nothing random, nothing of today. */
export interface LeaderSession {
  readonly title: string;
  readonly tables: string;
  write(client: Client): Promise<void>;
}

const narrowTransactions = 5;
const singleTransactions = 900;

/** Rows with a key, a few numbers and short texts, one thousand per transaction. */
const narrow: LeaderSession = {
  title: 'narrow inserts, 1,000 rows per transaction',
  tables:
    'CREATE TABLE narrow (id bigint PRIMARY KEY, account int NOT NULL, amount numeric(12,2) NOT NULL, note text, at timestamptz NOT NULL)',
  async write(client) {
    for (let i = 0; i < narrowTransactions; i++)
      await client.query(
        `INSERT INTO narrow SELECT n, n * 7919 % 100000, (n * 104729 % 10000000) / 100.0, 'entry ' || n,
           timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second 137 microseconds'
         FROM generate_series(${i} * 1000 + 1, (${i} + 1) * 1000) n`,
      );
  },
};

/** One row per transaction, as services write. */
const single: LeaderSession = {
  title: 'one-row transactions: insert, update, delete in turn',
  tables: 'CREATE TABLE single (id int PRIMARY KEY, state text NOT NULL, counter bigint NOT NULL, note text)',
  async write(client) {
    for (let i = 0; i < singleTransactions / 3; i++) {
      await client.query(`INSERT INTO single VALUES (${i}, 'new', ${i * 17}, 'order ${i}')`);
      await client.query(`UPDATE single SET state = 'paid', counter = counter + 1 WHERE id = ${i}`);
      if (i > 0) await client.query(`DELETE FROM single WHERE id = ${i - 1}`);
      else await client.query(`INSERT INTO single VALUES (-1, 'old', 0, NULL)`);
    }
  },
};

/** md5 over numbers: text that does not compress, the same on every server. */
const noise = (seed: string, pieces: number): string =>
  `(SELECT string_agg(md5(${seed} || '/' || p), '') FROM generate_series(1, ${pieces}) p)`;

/** Thirty columns, jsonb of 2 kB, a TOAST value that updates spare. */
const wide: LeaderSession = {
  title: 'wide rows: 30 columns, jsonb of 2 kB, TOAST values that updates spare',
  tables: `CREATE TABLE wide (id int PRIMARY KEY, ${Array.from({ length: 14 }, (_, i) => `n${i} int`).join()},
    ${Array.from({ length: 13 }, (_, i) => `t${i} text`).join()}, document jsonb, attachment text);
    ALTER TABLE wide ALTER attachment SET STORAGE EXTERNAL`,
  async write(client) {
    const numbers = Array.from({ length: 14 }, (_, i) => `n * ${i + 3}`).join();
    const texts = Array.from({ length: 13 }, (_, i) => `'value ' || n * ${i + 5}`).join();
    const document = `jsonb_build_object('id', n, 'tags', jsonb_build_array('a', 'b', n), 'body', ${noise('n', 62)})`;
    for (let from = 1; from <= 20; from += 5)
      await client.query(
        `INSERT INTO wide SELECT n, ${numbers}, ${texts}, ${document}, repeat(md5(n::text), 320)
         FROM generate_series(${from}, ${from + 4}) n`,
      );
    for (let round = 0; round < 8; round++)
      await client.query(`UPDATE wide SET n0 = n0 + 1, t0 = 'round ${round}'`);
    await client.query('UPDATE wide SET id = id + 100 WHERE id <= 5');
    // The stream is played again and again: it must find the keys free.
    await client.query('DELETE FROM wide WHERE id > 100');
  },
};

const types: LeaderSession = {
  title: 'many types, old rows in full',
  tables: `CREATE TABLE types (id int PRIMARY KEY, b boolean, i2 smallint, i8 bigint, r real, d double precision,
      n numeric, n2 numeric(20,4), v varchar(40), c char(8), x bytea, u uuid, j json, jb jsonb, da date, ti time,
      tz timetz, ts timestamp, tsz timestamptz, iv interval, i4s int[], ts2 text[], ip inet, m money, bits bit varying,
      p point, r4 int4range, xm xml);
    ALTER TABLE types REPLICA IDENTITY FULL`,
  async write(client) {
    const row = `n % 2 = 0, (n % 100)::smallint, n::bigint * 1000000007, n / 8.0, n / 3.0::float8, n * 1.001, n * 0.0625,
      'variable ' || n, 'fixed', decode(md5(n::text), 'hex'), md5('u' || n)::uuid, json_build_object('n', n),
      jsonb_build_object('n', n, 'list', jsonb_build_array(n, null, true)), date '2026-01-01' + n,
      time '10:00' + n * interval '1 second', timetz '10:00+01', timestamp '2026-01-01' + n * interval '1 minute',
      timestamptz '2026-01-01 00:00+00' + n * interval '1 hour', n * interval '1 day 2 hours', ARRAY[n, n + 1, NULL],
      ARRAY['a,b', 'quote"d', NULL], ('10.0.' || n % 250 || '.1')::inet, (n % 100)::money, B'1011', point(n, -n),
      int4range(n, n + 10), '<a/>'::xml`;
    for (let from = 1; from <= 500; from += 100)
      await client.query(`INSERT INTO types SELECT n, ${row} FROM generate_series(${from}, ${from + 99}) n`);
    await client.query(`UPDATE types SET b = NOT b, v = NULL, n = n + 1 WHERE id % 2 = 0`);
    await client.query('DELETE FROM types WHERE id % 10 = 0');
  },
};

/** By recording. */
export const leaderSessions: Readonly<Record<RecordingName, LeaderSession>> = { narrow, single, wide, types };
