import { readFileSync, writeFileSync } from 'node:fs';
import { type PostgresVersion, pgDatabase, postgresVersions } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { parseCapture, Transcript } from './transcript.sample.js';

/** Every kind of message that protocol version 1 has, in the forms that differ. */
const scenario = [
  `CREATE TYPE mood AS ENUM ('sad', 'ok');
   CREATE TABLE keyed (id int PRIMARY KEY, name text NOT NULL, big text, m mood, at timestamptz);
   ALTER TABLE keyed ALTER big SET STORAGE EXTERNAL;
   CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
   CREATE TABLE composite (a int, b text COLLATE "C", c bool, PRIMARY KEY (b, a));
   CREATE TABLE "Nasty ""Näme.x" ("__proto__" int PRIMARY KEY, "select" text, "Select" text);
   CREATE TABLE parts (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
   CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');
   CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES keyed);
   CREATE PUBLICATION golden FOR ALL TABLES`,
  `INSERT INTO keyed VALUES (1, 'one', repeat('x', 9000), 'ok', '2024-01-02 03:04:05.678901+00'), (2, 'it''s', NULL, NULL, 'infinity')`,
  `UPDATE keyed SET name = 'uno' WHERE id = 1`,
  `UPDATE keyed SET id = 10 WHERE id = 1`,
  `DELETE FROM keyed WHERE id = 2`,
  `INSERT INTO loose VALUES (1, 'a'), (1, 'a'), (NULL, NULL); UPDATE loose SET b = 'c' WHERE a = 1; DELETE FROM loose WHERE a IS NULL`,
  `INSERT INTO composite VALUES (1, 'x', true); UPDATE composite SET c = NULL; UPDATE composite SET a = 2; DELETE FROM composite`,
  `INSERT INTO "Nasty ""Näme.x" VALUES (1, E'tab\\t nl\\n "\\\\', '€𝄞')`,
  `INSERT INTO parts VALUES (1, 'eu')`,
  `BEGIN; SELECT pg_logical_emit_message(true, 'millrace', '1 low 1 2 slot'); INSERT INTO child VALUES (1, 10);
   SAVEPOINT s; INSERT INTO child VALUES (2, 10); ROLLBACK TO s; INSERT INTO child VALUES (3, 10); COMMIT`,
  `SELECT pg_logical_emit_message(false, 'other', 'outside of any transaction')`,
  `ALTER TABLE child ADD COLUMN extra text DEFAULT 'e'; UPDATE child SET parent = NULL WHERE id = 1`,
  `TRUNCATE keyed, loose RESTART IDENTITY CASCADE`,
];

describe.each(postgresVersions)('pgoutput of PostgreSQL %i', (version: PostgresVersion) => {
  it('decodes to the golden transcript, from the live server and from its capture', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(scenario[0] as string);
    const slot = `golden_${database.name}`;
    await client.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    await client.query(`SET TimeZone = 'UTC'`);
    for (const statement of scenario.slice(1)) await client.query(statement);
    const { rows } = await client.query<{ lsn: string; hex: string }>(
      `SELECT lsn, encode(data, 'hex') AS hex FROM pg_logical_slot_get_binary_changes('${slot}', NULL, NULL,
        'proto_version', '1', 'publication_names', 'golden', 'messages', 'true')`,
    );
    await client.end();
    const capture = `${rows.map((row) => `${row.lsn} ${row.hex}`).join('\n')}\n`;
    const file = new URL(`./golden/pg${version}.capture`, import.meta.url);
    // To capture anew: MILLRACE_CAPTURE_GOLDEN=1, then look at what changed.
    if (process.env.MILLRACE_CAPTURE_GOLDEN) writeFileSync(file, capture);
    const live = new Transcript().play(parseCapture(capture));
    await expect(live).toMatchFileSnapshot(`./golden/pg${version}.transcript`);
    expect(new Transcript().play(parseCapture(readFileSync(file, 'utf8')))).toBe(live);
  });
});
