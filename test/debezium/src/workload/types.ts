import { type TypeCase, typeCases } from './type-cases.js';
import { inPublic, type Workload } from './workload.js';

/**
 * Types of which Debezium fails to convert some values, says so in its log, and writes null instead; where a column may not be
 * NULL its connector stops.
 */
const unconverted = new Set(['int2vector', 'oidvector', 'tsvector[]', 'ltree[]']);
const required = typeCases.filter(({ type }) => !unconverted.has(type));

const valueAt = ({ values, type }: TypeCase, row: number): string =>
  `(${values[row % values.length]})::${type}`;

const streamedFrom = 1_000;
/** Columns per table, so that rows stay small. */
const group = 24;

interface WideTable {
  readonly name: string;
  readonly cases: readonly TypeCase[];
  /** What follows each column's type. */
  readonly constraint: string;
}

const inGroups = (name: string, cases: readonly TypeCase[], constraint: string): WideTable[] =>
  Array.from({ length: Math.ceil(cases.length / group) }, (_, i) => ({
    name: `${name}_${i}`,
    cases: cases.slice(i * group, (i + 1) * group),
    constraint,
  }));

const nullable = inGroups('nullable', typeCases, '');
const whole = inGroups('whole', typeCases, '');
const wide = [...nullable, ...inGroups('required', required, ' NOT NULL'), ...whole];

const insert = ({ name, cases }: WideTable, from: number): string[] => {
  const rows = Math.max(...cases.map(({ values }) => values.length));
  return Array.from(
    { length: rows },
    (_, row) =>
      `INSERT INTO ${name} VALUES (${from + row}, ${cases.map((sample) => valueAt(sample, row)).join(', ')})`,
  );
};

const create = ({ name, cases, constraint }: WideTable): string =>
  `CREATE TABLE ${name} (id int PRIMARY KEY, ${cases.map(({ slug, type }) => `${slug} ${type}${constraint}`).join(', ')})`;

const change = ({ name, cases }: WideTable): string[] => [
  `UPDATE ${name} SET ${cases.map((sample) => `${sample.slug} = ${valueAt(sample, 1)}`).join(', ')} WHERE id = ${streamedFrom}`,
  `UPDATE ${name} SET id = id + 5000 WHERE id = ${streamedFrom + 1}`,
  `DELETE FROM ${name} WHERE id = 0`,
  `DELETE FROM ${name} WHERE id = ${streamedFrom}`,
];

/** A column per type: where values may be NULL, where not, and under replica identity FULL. */
const columns: Workload = {
  tables: inPublic(...wide.map(({ name }) => name)),
  setUp: [
    ...typeCases.flatMap(({ setUp }) => setUp ?? []),
    ...wide.flatMap((table) => [create(table), ...insert(table, 0)]),
    ...whole.map(({ name }) => `ALTER TABLE ${name} REPLICA IDENTITY FULL`),
    ...nullable.map(({ name }) => `INSERT INTO ${name} (id) VALUES (999)`),
  ],
  changes: [
    ...wide.flatMap((table) => [...insert(table, streamedFrom), ...change(table)]),
    ...nullable.map(({ name }) => `INSERT INTO ${name} (id) VALUES (1999)`),
  ],
};

/** Types whose columns Debezium leaves out cannot be keys; ours refuses them (MR-5002). */
const leftOut = new Set(['pg_lsn', 'xid8', 'tid']);

const keyed = typeCases.filter(
  ({ key, type }) => key === true && !leftOut.has(type) && !unconverted.has(type),
);

/** Each type as a key. */
const keys: Workload = {
  tables: inPublic(...keyed.map(({ slug }) => `key_${slug}`)),
  setUp: keyed.flatMap((sample) => [
    `CREATE TABLE key_${sample.slug} (k ${sample.type} PRIMARY KEY, n int)`,
    `INSERT INTO key_${sample.slug} VALUES (${valueAt(sample, 0)}, 1)`,
  ]),
  changes: keyed.flatMap((sample) => [
    ...sample.values
      .slice(1)
      .map((_, i) => `INSERT INTO key_${sample.slug} VALUES (${valueAt(sample, i + 1)}, 2)`),
    `UPDATE key_${sample.slug} SET n = 3`,
    `DELETE FROM key_${sample.slug}`,
  ]),
};

export const typeWorkloads: readonly Workload[] = [columns, keys];
