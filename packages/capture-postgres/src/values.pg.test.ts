import { rowsOfChunk } from '@millrace/capture/conformance';
import { rowOf } from '@millrace/model';
import { PgSession } from '@millrace/postgres';
import type { PostgresVersion } from '@millrace/test-support';
import { pgDatabase, postgresVersions } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { Tap } from './recorder.sample.js';

/** Type, and constants of it whose text is easily got wrong. */
const values: readonly (readonly [type: string, constants: readonly string[]])[] = [
  ['boolean', ['true', 'false']],
  ['smallint', ['-32768', '32767']],
  ['bigint', ['-9223372036854775808', '9007199254740993']],
  ['real', ["'NaN'", "'-Infinity'", "'-0'", '1e-45', '3.4028235e38', '0.1']],
  ['double precision', ["'NaN'", "'Infinity'", "'-0'", '5e-324', '1.7976931348623157e308', '0.1']],
  [
    'numeric',
    ["'NaN'", "'Infinity'", '0', '1.500', '-0.0000001', "repeat('9', 1000)", "repeat('9', 131072)"],
  ],
  ['numeric(10,2)', ["'NaN'", '12345678.99', '-0.005']],
  ['money', ['1234567.89', '-0.01']],
  ['text', ["''", "'\\N'", "E'a\\tb\\nc\\\\d\\re\\bf'", "'€𝄞'", "'NULL'", "repeat('x', 100000)"]],
  ['char(5)', ["'a'", "''", "'abcde'"]],
  ['"char"', ["'a'", "''"]],
  ['varchar(3)', ["'ab'"]],
  ['name', ["'someone'"]],
  ['bytea', ["''", "'\\x00ff5c'", "decode(repeat('00', 3000), 'hex')"]],
  ['date', ["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'"]],
  ['time', ["'24:00:00'", "'00:00:00.000001'"]],
  ['timetz', ["'24:00:00-15:59'", "'01:02:03.4+05:30'"]],
  ['timestamp', ["'infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"]],
  ['timestamptz', ["'-infinity'", "'2024-07-01 12:00:00.1+05:30'", "'0001-01-01 00:00:00+00 BC'"]],
  ['interval', ["'1 year -2 mons 3 days -04:05:06.7'", "'0'", "'178000000 years'"]],
  ['json', [`'{"a" : [1,  null], "a": 1e400}'`]],
  ['jsonb', [`'{"b": 1.50, "a": "\\u20ac"}'`, "'null'"]],
  ['xml', ['\'<a b="c">&amp;</a>\'']],
  ['uuid', ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"]],
  ['inet', ["'192.168.0.1'", "'192.168.0.1/24'", "'::ffff:1.2.3.4'"]],
  ['cidr', ["'10.0.0.0/8'"]],
  ['macaddr', ["'08:00:2b:01:02:03'"]],
  ['bit(3)', ["'101'"]],
  ['varbit', ["''", "'10110'"]],
  ['point', ["'(1.5,-0)'"]],
  ['polygon', ["'((0,0),(1,1),(2,0))'"]],
  ['int[]', ["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'"]],
  ['text[]', [`'{"a,b","c\\"d","NULL",NULL,"","\\\\"}'`]],
  ['timestamptz[]', ["'{infinity,2024-01-01 00:00:00+02}'"]],
  ['int4range', ["'[1,5)'", "'empty'", "'(,)'"]],
  ['tstzrange', ["'[2024-01-01 00:00+02,infinity)'"]],
  ['int4multirange', ["'{[1,3),[5,9)}'"]],
  ['tsvector', ["'a:1 b:2A'"]],
  ['tsquery', ["'a & !b'"]],
  ['pg_lsn', ["'FFFFFFFF/FFFFFFFF'"]],
  ['regclass', ["'pg_class'", "'mood_table'"]],
  ['oid', ['4294967295']],
  ['xid8', ["'18446744073709551615'"]],
  ['mood', ["'sa d'", "E'o\\'k'"]],
  ['positive', ['1.50']],
  ['positive[]', ["'{1.50,2}'"]],
  ['pair', [`'(1,"a ""b"", c")'`, "'(,)'"]],
  ['pair[]', [`ARRAY[ROW(1, 'x,"y')::pair, NULL]`]],
];

const rows = Math.max(...values.map(([, constants]) => constants.length));

/** All of them, row by row, the first with id `base`; NULL where a type has fewer constants. */
function insertFrom(base: number): string {
  const constant = (type: string, text: string | undefined): string =>
    text === undefined ? 'NULL' : `(${text})::${text.startsWith('repeat') ? 'text::' : ''}${type}`;
  const row = (index: number): string =>
    `(${base + index}, ${values.map(([type, constants]) => constant(type, constants[index])).join(', ')})`;
  return `INSERT INTO v VALUES ${Array.from({ length: rows }, (_, index) => row(index)).join(', ')}`;
}

/** The rows below id 100 in the server's own words. */
async function printedBy(url: string): Promise<unknown[][]> {
  const session = await PgSession.open(url, { role: 'leader' });
  const found = await session.query('testing', 'SELECT * FROM public.v WHERE id < 100 ORDER BY id');
  await session.close();
  return found.map((row) => Object.values(row));
}

describe.each(postgresVersions)('values of PostgreSQL %i', (version: PostgresVersion) => {
  it('are the same text in the stream, in the snapshot, in windows and as the server itself prints them', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(`CREATE TYPE mood AS ENUM ('sa d', 'o''k'); CREATE DOMAIN positive AS numeric(6,2) CHECK (VALUE > 0);
      CREATE TYPE pair AS (a int, b text); CREATE TABLE mood_table (id int PRIMARY KEY)`);
    const columns = values.map(([type], i) => `v${i} ${type}`).join(', ');
    await client.query(`CREATE TABLE v (id int PRIMARY KEY, ${columns})`);
    await client.query(insertFrom(0));

    const tap = await Tap.open(database);
    const snapshot = tap.session.created?.snapshot;
    const table = snapshot?.tables.find((one) => one.relation.name === 'v');
    if (!snapshot || !table) throw new Error('a new slot was expected');
    const never = new AbortController().signal;
    const copied: unknown[][] = [];
    await snapshot.read(
      table,
      { after: null, upTo: null },
      { row: (image) => copied.push(rowOf(image)), room: () => undefined },
      never,
    );
    await snapshot.close();

    const streamed: unknown[][] = [];
    tap.recorder.change = (change) => void (change.after && streamed.push(rowOf(change.after)));
    tap.stream();
    await client.query(insertFrom(100));
    const window = await tap.session.windows.read({
      relation: table.relation,
      rows: 100,
      max_bytes: 1e8,
      epoch: 1,
      chunk: 1,
      signal: never,
      range: { after: null, upTo: ['99'] },
    });
    await tap.caughtUp();
    await tap.close();

    const printed = await printedBy(database.url);
    await client.end();

    const withoutId = (list: readonly (readonly unknown[])[]) => list.map((row) => row.slice(1));
    expect(printed.length).toBe(rows);
    expect(withoutId(copied)).toEqual(withoutId(printed));
    expect(withoutId(await rowsOfChunk(window))).toEqual(withoutId(printed));
    expect(withoutId(streamed)).toEqual(withoutId(printed));
  });

  it('of 300 MB arrive whole', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE big (id int PRIMARY KEY, x text)');
    const tap = await Tap.streaming(database);
    let length = 0;
    tap.recorder.change = (change) => {
      length = (change.after?.length[1] as number) ?? 0;
    };
    await client.query(`INSERT INTO big VALUES (1, repeat('0123456789', 30000000))`);
    await client.end();
    await tap.caughtUp();
    expect(length).toBe(300_000_000);
    await tap.close();
  }, 60_000);
});
