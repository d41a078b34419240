import { describe, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';
import { type TypeSample, valueCorpus } from './value-corpus.js';

const limit_ms = 400_000;
const streamedFrom = 1_000;

interface TypedTable extends TypeSample {
  /** `typed` holds the value beside a key; `whole` has no key and FULL identity; `keyed` has it as its key. */
  readonly typed: string;
  readonly whole: string;
  readonly keyed: string | undefined;
}

const tables: readonly TypedTable[] = valueCorpus.map((sample, i) => ({
  ...sample,
  typed: `typed_${i}`,
  whole: `whole_${i}`,
  keyed: sample.key ? `keyed_${i}` : undefined,
}));

const makeTable = ({ type, setUp, typed, whole, keyed }: TypedTable): string[] => [
  ...(setUp ?? []),
  `CREATE TABLE ${typed} (id int PRIMARY KEY, value ${type})`,
  `CREATE TABLE ${whole} (id int, value ${type})`,
  `ALTER TABLE ${whole} REPLICA IDENTITY FULL`,
  ...(keyed ? [`CREATE TABLE ${keyed} (value ${type} PRIMARY KEY, note text)`] : []),
];

const cast = (table: TypedTable, i: number): string =>
  `(${table.values[i % table.values.length]})::${table.type}`;

const fill = (table: TypedTable, from: number): string[] => [
  ...[table.typed, table.whole].map(
    (name) =>
      `INSERT INTO ${name} VALUES ${table.values.map((_, i) => `(${from + i}, ${cast(table, i)})`).join(', ')}, (${from + table.values.length}, NULL)`,
  ),
];

const change = (table: TypedTable): string[] => [
  ...[table.typed, table.whole].flatMap((name) => [
    ...table.values.map((_, i) => `UPDATE ${name} SET value = ${cast(table, i + 1)} WHERE id = ${i}`),
    `UPDATE ${name} SET value = ${cast(table, 0)} WHERE id = ${table.values.length}`,
    `DELETE FROM ${name} WHERE id = ${streamedFrom}`,
    `UPDATE ${name} SET value = NULL WHERE id = ${streamedFrom + 1}`,
    `UPDATE ${name} SET id = id + 5000 WHERE id = 0`,
  ]),
];

const fillKeyed = (table: TypedTable): string[] =>
  table.keyed
    ? [
        `INSERT INTO ${table.keyed} VALUES ${table.values.map((_, i) => `(${cast(table, i)}, 'n${i}')`).join(', ')}`,
      ]
    : [];

const changeKeyed = (table: TypedTable): string[] =>
  table.keyed
    ? [
        `UPDATE ${table.keyed} SET note = note || '!'`,
        `DELETE FROM ${table.keyed} WHERE note = 'n0!'`,
        `INSERT INTO ${table.keyed} VALUES (${cast(table, 0)}, 'again')`,
      ]
    : [];

describe.each([15, 18] as const)('values of every built-in type on PostgreSQL %i (promise 8)', (version) => {
  const servers = twoServers(version);

  it(
    'arrive exactly, by snapshot and by stream, in both followers',
    async () => {
      await using mirror = await Mirror.open({
        ...servers(),
        setUp: tables.flatMap((table) => [...makeTable(table), ...fill(table, 0), ...fillKeyed(table)]),
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      for (const table of tables) {
        await mirror.onLeader(
          'BEGIN',
          ...fill(table, streamedFrom),
          ...change(table),
          ...changeKeyed(table),
          'COMMIT',
        );
      }
      await mirror.untilEqual();
    },
    limit_ms,
  );
});
