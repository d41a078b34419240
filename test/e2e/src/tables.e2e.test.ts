import { describe, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;
/** PostgreSQL allows 1,600; DuckDB keeps a block of memory for each. */
const wide_columns = 300;
const large_bytes = 30_000_000;

const wide = Array.from({ length: wide_columns - 1 }, (_, i) => `c${i} bool`).join(', ');
const longName = '表'.repeat(21);
/** `public.*` does not stand for other schemas. */
const tables = ['public.*', 'Other "S.*', 'select; drop.*'];

const namedTables = [
  '"Items"',
  'items',
  'ITEMS2',
  '"__proto__"',
  '"constructor"',
  '"a.b"',
  '"a b"',
  '"a_b"',
  '"a-b"',
  '"a""b"',
  `"a'b"`,
  '"x; DROP TABLE items; --"',
  `"${longName}"`,
  '"toString"',
  '"<script>alert(1)</script>"',
  '"%s $1 \\n"',
  '"Other ""S".t',
  '"Other ""S"."T"',
  '"select; drop"."table"',
  '"rowid"',
] as const;
const columns = [
  '"id"',
  '"Id"',
  '"__proto__"',
  '"constructor"',
  '"before"',
  '"op"',
  '"a.b c""d"',
  '"select"',
  '"rowid"',
  `"${longName}"`,
  '"ctid2"',
  '"1st"',
  '"hasOwnProperty"',
];

const named = namedTables.flatMap((table) => [
  `CREATE TABLE ${table} (${columns.map((column, i) => `${column} ${i === 0 ? 'int' : 'text'}`).join(', ')}, PRIMARY KEY ("id", "__proto__"))`,
  `INSERT INTO ${table} SELECT i, ${columns
    .slice(1)
    .map((_, k) => `'v' || i || '.${k}'`)
    .join(', ')} FROM generate_series(1, 5) i`,
]);
const changedNamed = namedTables.flatMap((table) => [
  `UPDATE ${table} SET "constructor" = 'x', "rowid" = NULL WHERE id = 1`,
  `UPDATE ${table} SET "__proto__" = 'moved' WHERE id = 2`,
  `DELETE FROM ${table} WHERE id = 3`,
  `INSERT INTO ${table} ("id", "__proto__", "Id") VALUES (9, '', 'ÄÖ')`,
]);

const identities = [
  'CREATE TABLE bag (a int, b text, c float8)',
  'ALTER TABLE bag REPLICA IDENTITY FULL',
  `INSERT INTO bag SELECT i % 3, NULLIF('t' || i % 2, 't1'), CASE i % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' WHEN 2 THEN '0' END::float8 FROM generate_series(1, 60) i`,
  'CREATE TABLE by_index (a int NOT NULL, b text NOT NULL, c text)',
  'CREATE UNIQUE INDEX by_index_ba ON by_index (b, a)',
  'ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_ba',
  `INSERT INTO by_index SELECT i, 'k' || i, 'c' FROM generate_series(1, 20) i`,
  'CREATE TABLE insert_only (a int, b text)',
  'ALTER TABLE insert_only REPLICA IDENTITY NOTHING',
  `INSERT INTO insert_only SELECT i % 2, 'same' FROM generate_series(1, 10) i`,
  'CREATE TABLE full_with_key (id int PRIMARY KEY, b text)',
  'ALTER TABLE full_with_key REPLICA IDENTITY FULL',
  `INSERT INTO full_with_key SELECT i, repeat('x', 3000) FROM generate_series(1, 10) i`,
  'CREATE TABLE toasted (a int, b text, big text, other text, PRIMARY KEY (a, b))',
  'ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER other SET STORAGE EXTERNAL',
  `INSERT INTO toasted SELECT i, 'k' || i, repeat(md5(i::text), 400), repeat('o', 9000) FROM generate_series(1, 12) i`,
  'CREATE TABLE numeric_key (n numeric PRIMARY KEY, note text)',
  `INSERT INTO numeric_key VALUES (1.0, 'a'), (2.50, 'b'), (3, 'c')`,
  'CREATE TABLE generated (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text)',
  `INSERT INTO generated (id, a, c) SELECT i, i, 'c' FROM generate_series(1, 5) i`,
  'CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)',
  `CREATE TABLE wide (id int PRIMARY KEY, ${wide})`,
  'INSERT INTO wide (id, c0, c298) SELECT i, true, i % 2 = 0 FROM generate_series(1, 3) i',
  'CREATE TABLE identity_column (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a serial, b text DEFAULT now()::text)',
  `INSERT INTO identity_column (b) VALUES ('x')`,
  'CREATE TABLE large (id int PRIMARY KEY, body bytea, note text)',
  `INSERT INTO large VALUES (1, decode(repeat('00ff', ${large_bytes / 2}), 'hex'), 'snapshot')`,
  'CREATE TABLE measured (city int, day date, value int, PRIMARY KEY (city, day)) PARTITION BY RANGE (day)',
  `CREATE TABLE measured_23 PARTITION OF measured FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')`,
  `CREATE TABLE measured_24 (value int, day date NOT NULL, city int NOT NULL, PRIMARY KEY (city, day))`,
  `ALTER TABLE measured ATTACH PARTITION measured_24 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`,
  `INSERT INTO measured SELECT i, '2023-12-20'::date + i, i FROM generate_series(1, 20) i`,
  'CREATE TABLE parent (id int PRIMARY KEY, name text)',
  'CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, log text)',
  `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.log := coalesce(NEW.log, '') || '+'; RETURN NEW; END$$`,
  'CREATE TRIGGER noted BEFORE INSERT OR UPDATE ON child FOR EACH ROW EXECUTE FUNCTION note()',
  `INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 5) i`,
  'INSERT INTO child SELECT i, i % 5 + 1 FROM generate_series(1, 20) i',
  'CREATE TABLE inherited (id int PRIMARY KEY, extra text)',
  'CREATE TABLE heir (more int, PRIMARY KEY (id)) INHERITS (inherited)',
  `INSERT INTO inherited VALUES (1, 'a')`,
  `INSERT INTO heir VALUES (2, 'b', 3)`,
];

const changedIdentities = [
  `DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 1 AND b IS NULL LIMIT 3)`,
  `UPDATE bag SET b = 'new' WHERE ctid = (SELECT min(ctid) FROM bag WHERE c = 'NaN')`,
  `UPDATE bag SET c = '-Infinity' WHERE ctid = (SELECT min(ctid) FROM bag WHERE c = 0)`,
  'INSERT INTO bag SELECT * FROM bag WHERE a = 2',
  'INSERT INTO bag VALUES (NULL, NULL, NULL), (NULL, NULL, NULL)',
  'DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE a IS NULL)',
  `UPDATE by_index SET b = b || '!', c = NULL WHERE a < 5`,
  'DELETE FROM by_index WHERE a = 6',
  `INSERT INTO insert_only VALUES (1, 'same'), (NULL, NULL)`,
  `UPDATE full_with_key SET id = id + 100 WHERE id < 4`,
  `UPDATE full_with_key SET b = 'short' WHERE id = 5`,
  'DELETE FROM full_with_key WHERE id = 6',
  `UPDATE toasted SET b = b || 'x' WHERE a < 4`,
  `UPDATE toasted SET other = 'small' WHERE a = 4`,
  `BEGIN; UPDATE toasted SET a = a + 100 WHERE a = 5; UPDATE toasted SET big = 'now small' WHERE a = 105; UPDATE toasted SET a = 5 WHERE a = 105; COMMIT`,
  `BEGIN; UPDATE toasted SET a = 1006 WHERE a = 6; UPDATE toasted SET a = 6 WHERE a = 7; UPDATE toasted SET a = 7 WHERE a = 1006; COMMIT`,
  `BEGIN; DELETE FROM toasted WHERE a = 8; UPDATE toasted SET a = 8, b = 'k8' WHERE a = 9; COMMIT`,
  `UPDATE numeric_key SET n = 1.000 WHERE n = 1`,
  `UPDATE numeric_key SET n = 2.5, note = 'bb' WHERE n = 2.5`,
  'DELETE FROM numeric_key WHERE n = 3.00',
  `INSERT INTO numeric_key VALUES (3.00, 'again')`,
  'UPDATE generated SET a = a + 10 WHERE id < 3',
  'INSERT INTO fleeting VALUES (1)',
  'UPDATE wide SET c5 = true, c200 = false WHERE id = 2',
  'DELETE FROM wide WHERE id = 1',
  `INSERT INTO identity_column (b) VALUES ('y')`,
  `INSERT INTO large VALUES (2, decode(repeat('5c27', ${large_bytes / 2}), 'hex'), 'stream')`,
  `UPDATE large SET note = 'kept' WHERE id = 1`,
  `UPDATE measured SET day = day + 365 WHERE day < '2023-12-25'`,
  `DELETE FROM measured WHERE city = 12`,
  `CREATE TABLE measured_25 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')`,
  `INSERT INTO measured VALUES (77, '2025-05-05', 1)`,
  'UPDATE parent SET id = id + 10 WHERE id = 1',
  'DELETE FROM parent WHERE id = 2',
  'BEGIN; INSERT INTO child VALUES (100, 50); INSERT INTO parent VALUES (50, $$late$$); COMMIT',
  `INSERT INTO heir VALUES (5, 'c', 6)`,
  `UPDATE inherited SET extra = 'both'`,
];

/** Millrace itself publishes no table without an identity: the leader would refuse updates from then on. */
const publishedByHand = 'CREATE PUBLICATION millrace FOR TABLE insert_only';

describe.each([18, 15] as const)('tables as users have them on PostgreSQL %i', (version) => {
  const servers = twoServers(version, { max_prepared_transactions: '5' });

  it(
    'any name, identity, width and partition arrives, by snapshot and by stream',
    async () => {
      await using mirror = await Mirror.open({
        ...servers(),
        tables,
        // For the wide table and the large values; less stops the lake, which says so.
        lakeMemory: '512MB',
        setUp: [
          'CREATE SCHEMA "Other ""S"',
          'CREATE SCHEMA "select; drop"',
          ...named,
          ...identities,
          publishedByHand,
        ],
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.onLeader(...changedNamed, ...changedIdentities);
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it(
    'TRUNCATE, of many tables and by cascade, takes its place among rows',
    async () => {
      await using mirror = await Mirror.open({
        ...servers(),
        setUp: [
          'CREATE TABLE a (id int PRIMARY KEY)',
          'CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)',
          'CREATE TABLE c (id int, v text)',
          'ALTER TABLE c REPLICA IDENTITY FULL',
          'CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id)',
          'CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)',
          'CREATE TABLE p2 PARTITION OF p DEFAULT',
          'INSERT INTO a SELECT generate_series(1, 10)',
          'INSERT INTO b SELECT i, i FROM generate_series(1, 10) i',
          `INSERT INTO c SELECT i, 'c' FROM generate_series(1, 10) i`,
          'INSERT INTO p SELECT generate_series(1, 5)',
        ],
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.onLeader(
        'BEGIN; INSERT INTO a VALUES (11); TRUNCATE a CASCADE; INSERT INTO a VALUES (12); INSERT INTO b VALUES (1, 12); COMMIT',
        `BEGIN; INSERT INTO c VALUES (11, 'x'); SAVEPOINT s; TRUNCATE c; ROLLBACK TO s; INSERT INTO c VALUES (12, 'y'); COMMIT`,
        'TRUNCATE p1',
        'BEGIN; TRUNCATE p; INSERT INTO p VALUES (1), (7); TRUNCATE p2, c; INSERT INTO p VALUES (8); COMMIT',
        `INSERT INTO c VALUES (13, 'z')`,
      );
      await mirror.untilEqual();
    },
    limit_ms,
  );
});
