import { inPublic, type TableName, type Workload } from './workload.js';

/** Changes of every kind on keys of every kind. */
const changes: Workload = {
  tables: inPublic('plain', 'two_keys', 'keyless', 'by_index', 'only_unique'),
  setUp: [
    'CREATE TABLE plain (id bigint PRIMARY KEY, note text, n int NOT NULL)',
    'CREATE TABLE two_keys (a text, x int, b uuid, PRIMARY KEY (b, a))',
    'CREATE TABLE keyless (a int, b text)',
    'ALTER TABLE keyless REPLICA IDENTITY FULL',
    'CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL, n int)',
    'CREATE UNIQUE INDEX by_index_code ON by_index (code)',
    'ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code',
    'CREATE TABLE only_unique (code text NOT NULL UNIQUE, n int)',
    'ALTER TABLE only_unique REPLICA IDENTITY FULL',
    "INSERT INTO plain SELECT i, 'n' || i, i FROM generate_series(1, 20) i",
    "INSERT INTO two_keys VALUES ('k', 1, '00000000-0000-0000-0000-000000000001')",
    "INSERT INTO keyless VALUES (1, 'one'), (1, 'one'), (NULL, NULL)",
    "INSERT INTO by_index VALUES (1, 'a', 1), (2, 'b', 2)",
    "INSERT INTO only_unique VALUES ('a', 1)",
  ],
  changes: [
    "INSERT INTO plain SELECT i, 'n' || i, i FROM generate_series(101, 120) i",
    "UPDATE plain SET note = note || '!' WHERE id <= 3",
    'UPDATE plain SET id = id + 1000 WHERE id IN (4, 5)',
    'DELETE FROM plain WHERE id BETWEEN 6 AND 8',
    "BEGIN; INSERT INTO plain VALUES (200, 'a', 1); UPDATE plain SET n = 2 WHERE id = 200; DELETE FROM plain WHERE id = 200; INSERT INTO plain VALUES (200, 'b', 3); COMMIT",
    "BEGIN; INSERT INTO plain VALUES (300, 'kept', 1); SAVEPOINT s; INSERT INTO plain VALUES (301, 'gone', 1); ROLLBACK TO s; INSERT INTO two_keys VALUES ('k', 2, '00000000-0000-0000-0000-000000000002'); COMMIT",
    'BEGIN; INSERT INTO plain VALUES (400, NULL, 1); ROLLBACK',
    // Several rows with one LSN.
    `COPY plain (id, n) FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8; do echo "200$i,7"; done' WITH (FORMAT csv)`,
    // Ends after one that began later.
    "BEGIN; INSERT INTO plain VALUES (500, 'prepared', 1); PREPARE TRANSACTION 'debezium_comparison'",
    "INSERT INTO plain VALUES (501, 'between', 1)",
    "COMMIT PREPARED 'debezium_comparison'",
    "INSERT INTO plain SELECT i, repeat('many', 20), i FROM generate_series(10001, 11000) i",
    "UPDATE two_keys SET x = 3 WHERE a = 'k'",
    "UPDATE two_keys SET a = 'other' WHERE x = 3",
    'DELETE FROM two_keys',
    "INSERT INTO keyless VALUES (2, 'two'), (2, 'two')",
    "UPDATE keyless SET b = 'TWO' WHERE a = 2",
    'DELETE FROM keyless WHERE a = 1',
    'DELETE FROM keyless WHERE a IS NULL',
    'UPDATE by_index SET n = 10 WHERE id = 1',
    "UPDATE by_index SET code = 'c' WHERE id = 1",
    'UPDATE by_index SET id = 3 WHERE id = 2',
    'DELETE FROM by_index',
    "INSERT INTO only_unique VALUES ('b', 2)",
    'UPDATE only_unique SET n = 3',
    'DELETE FROM only_unique',
    'TRUNCATE plain, keyless',
    "INSERT INTO plain VALUES (1, 'after', 1)",
  ],
};

/** Partitions, published as themselves. */
const partitions: Workload = {
  tables: inPublic('parts_low', 'parts_high'),
  setUp: [
    'CREATE TABLE parts (id int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id)',
    'CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100)',
    // Its columns stand in another order than the root's.
    'CREATE TABLE parts_high (a text, id int NOT NULL)',
    'ALTER TABLE parts ATTACH PARTITION parts_high FOR VALUES FROM (100) TO (200)',
    "INSERT INTO parts VALUES (1, 'a'), (101, 'b')",
  ],
  changes: [
    "INSERT INTO parts VALUES (2, 'a'), (102, 'b')",
    "UPDATE parts SET a = 'c'",
    'UPDATE parts SET id = 150 WHERE id = 2',
    'DELETE FROM parts WHERE id = 101',
    'TRUNCATE parts',
  ],
};

/** Tables whose names, or whose columns’ names, Avro does not allow. */
export const oddlyNamed: readonly TableName[] = [
  { schema: 'my schema', name: 'Odd Näme-1' },
  { schema: 'my schema', name: '1st.table' },
];

/** Names as users have them. */
const names: Workload = {
  tables: [...oddlyNamed, ...inPublic('select')],
  setUp: [
    'CREATE SCHEMA "my schema"',
    'CREATE TABLE "my schema"."Odd Näme-1" ("the id" int PRIMARY KEY, "1st" text, "select" int, "ü" text, "it\'s ""q""" text, "a.b" int, "UPPER" int)',
    'CREATE TABLE "my schema"."1st.table" (id int PRIMARY KEY, "$" text)',
    'CREATE TABLE "select" ("from" int PRIMARY KEY, "where" text)',
    `INSERT INTO "my schema"."Odd Näme-1" VALUES (1, 'a', 2, 'b', 'c', 3, 4)`,
    `INSERT INTO "my schema"."1st.table" VALUES (1, '€')`,
  ],
  changes: [
    `INSERT INTO "my schema"."Odd Näme-1" VALUES (2, 'a', 2, 'b', 'c', 3, 4)`,
    `UPDATE "my schema"."Odd Näme-1" SET "ü" = 'ü' WHERE "the id" = 2`,
    `DELETE FROM "my schema"."Odd Näme-1"`,
    `INSERT INTO "my schema"."1st.table" VALUES (2, '😀')`,
    `INSERT INTO "select" VALUES (1, 'x')`,
  ],
};

/** Columns that come and go while rows are written. */
const schemaChanges: Workload = {
  tables: inPublic('evolving', 'with_gap', 'identified', 'filled', 'felt'),
  setUp: [
    'CREATE TABLE evolving (id int PRIMARY KEY, a text)',
    "INSERT INTO evolving VALUES (1, 'a')",
    'CREATE TABLE with_gap (gone int, id int PRIMARY KEY, also_gone text, a text)',
    'ALTER TABLE with_gap DROP COLUMN gone, DROP COLUMN also_gone',
    "INSERT INTO with_gap VALUES (1, 'a')",
    'CREATE TABLE identified (id int PRIMARY KEY, a text, b int NOT NULL)',
    "INSERT INTO identified VALUES (1, 'a', 1), (2, 'b', 2)",
    'CREATE TABLE filled (id int PRIMARY KEY, a text)',
    "INSERT INTO filled VALUES (1, 'a')",
    "CREATE TYPE feeling AS ENUM ('calm')",
    'CREATE TABLE felt (id int PRIMARY KEY, f feeling)',
    "INSERT INTO felt VALUES (1, 'calm')",
  ],
  changes: [
    "INSERT INTO evolving VALUES (2, 'a')",
    'ALTER TABLE evolving ADD COLUMN b int',
    "INSERT INTO evolving VALUES (3, 'a', 1)",
    "UPDATE evolving SET a = 'b' WHERE id = 1",
    'ALTER TABLE evolving RENAME COLUMN a TO c',
    "INSERT INTO evolving VALUES (4, 'a', 1)",
    'ALTER TABLE evolving DROP COLUMN c',
    'INSERT INTO evolving VALUES (6, 1)',
    'DELETE FROM evolving',
    "INSERT INTO with_gap VALUES (2, 'b')",
    "UPDATE with_gap SET a = 'c' WHERE id = 1",
    'DELETE FROM with_gap',
    "UPDATE identified SET a = 'x' WHERE id = 1",
    'ALTER TABLE identified REPLICA IDENTITY FULL',
    "UPDATE identified SET a = 'y' WHERE id = 1",
    'DELETE FROM identified WHERE id = 1',
    'ALTER TABLE identified REPLICA IDENTITY DEFAULT',
    'DELETE FROM identified',
    'ALTER TABLE filled ADD COLUMN b int NOT NULL DEFAULT 7',
    "INSERT INTO filled VALUES (2, 'b')",
    'UPDATE filled SET b = 8 WHERE id = 1',
    'DELETE FROM filled',
    "ALTER TYPE feeling ADD VALUE 'glad'",
    "INSERT INTO felt VALUES (2, 'glad')",
    "UPDATE felt SET f = 'glad' WHERE id = 1",
    'DELETE FROM felt',
  ],
};

export const shapeWorkloads: readonly Workload[] = [changes, partitions, names, schemaChanges];
