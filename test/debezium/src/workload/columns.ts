import { inPublic, type Workload } from './workload.js';

/** Columns that are more than a type: defaults, generated, identity, commented. */
export const columnWorkload: Workload = {
  tables: inPublic('with_defaults', 'generated', 'serials', 'commented'),
  setUp: [
    `CREATE TABLE with_defaults (id int PRIMARY KEY, i int DEFAULT 7, i_required int NOT NULL DEFAULT 7, t text DEFAULT 'x', t_required text NOT NULL DEFAULT 'x',
       b boolean DEFAULT true, b_required boolean NOT NULL DEFAULT true, n numeric(6,2) NOT NULL DEFAULT 1.50, d date NOT NULL DEFAULT '2024-01-01', s timestamp DEFAULT now(), s_required timestamptz NOT NULL DEFAULT now(), u uuid NOT NULL DEFAULT gen_random_uuid(), j jsonb NOT NULL DEFAULT '{"a":1}')`,
    'CREATE TABLE generated (id int PRIMARY KEY, a int, doubled int GENERATED ALWAYS AS (a * 2) STORED)',
    'CREATE TABLE serials (id serial PRIMARY KEY, small smallserial, big bigserial, i int GENERATED ALWAYS AS IDENTITY)',
    'CREATE TABLE commented (id int PRIMARY KEY, a text)',
    "COMMENT ON COLUMN commented.a IS 'what it says'",
    "COMMENT ON TABLE commented IS 'a table'",
    "INSERT INTO with_defaults (id, s, s_required, u) VALUES (1, '2024-01-01', '2024-01-01 00:00+00', '00000000-0000-0000-0000-000000000001')",
    'INSERT INTO generated VALUES (1, 2)',
    'INSERT INTO serials DEFAULT VALUES',
    "INSERT INTO commented VALUES (1, 'a')",
  ],
  changes: [
    "INSERT INTO with_defaults (id, s, s_required, u) VALUES (2, '2024-01-01', '2024-01-01 00:00+00', '00000000-0000-0000-0000-000000000001')",
    'UPDATE with_defaults SET i = NULL, t = NULL, b = NULL, s = NULL WHERE id = 2',
    'DELETE FROM with_defaults WHERE id = 2',
    'INSERT INTO generated VALUES (2, 3)',
    'UPDATE generated SET a = 4 WHERE id = 1',
    'DELETE FROM generated WHERE id = 1',
    'INSERT INTO serials DEFAULT VALUES',
    'DELETE FROM serials WHERE id = 1',
    "INSERT INTO commented VALUES (2, 'b')",
  ],
};
