import {
  describeSourceConformance,
  type LeaderDriver,
  type LeaderTransaction,
  type SourceHarness,
  type TableSpec,
} from '@millrace/capture/conformance';
import type { Row } from '@millrace/model';
import { quoteIdentifier, quoteLiteral, quoteNullable } from '@millrace/postgres';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
} from '@millrace/test-support';
import { createPostgresSource } from './postgres-source.js';

type Client = Awaited<ReturnType<TestDatabase['connect']>>;

const values = (row: Row): string => row.map((cell) => quoteNullable(cell ?? null)).join(', ');

class PostgresTransaction implements LeaderTransaction {
  readonly #client: Client;
  readonly #tables: ReadonlyMap<string, TableSpec>;

  constructor(client: Client, tables: ReadonlyMap<string, TableSpec>) {
    this.#client = client;
    this.#tables = tables;
  }

  async insert(table: string, rows: readonly Row[]): Promise<void> {
    await this.#client.query(
      `INSERT INTO ${quoteIdentifier(table)} VALUES ${rows.map((row) => `(${values(row)})`).join(', ')}`,
    );
  }

  async update(table: string, row: Row, after: Row): Promise<void> {
    const { columns } = this.#spec(table);
    const where = this.#where(table, row);
    // A column whose value stays is left out, as an application would: only then is a large one spared.
    const { rows } = await this.#client.query({
      text: `SELECT ${columns.map(({ name }) => `${quoteIdentifier(name)}::text`).join(', ')} FROM ${quoteIdentifier(table)} WHERE ${where}`,
      rowMode: 'array',
    });
    const present = rows[0] as Row;
    const set = columns.flatMap(({ name }, i) =>
      present[i] === after[i] ? [] : [`${quoteIdentifier(name)} = ${quoteNullable(after[i] ?? null)}`],
    );
    await this.#client.query(`UPDATE ${quoteIdentifier(table)} SET ${set.join(', ')} WHERE ${where}`);
  }

  async delete(table: string, row: Row): Promise<void> {
    const name = quoteIdentifier(table);
    await this.#client.query(
      `DELETE FROM ${name} WHERE ctid = (SELECT ctid FROM ${name} WHERE ${this.#where(table, row)} LIMIT 1)`,
    );
  }

  async truncate(table: string): Promise<void> {
    await this.#client.query(`TRUNCATE ${quoteIdentifier(table)}`);
  }

  commit(): Promise<void> {
    return this.#end('COMMIT');
  }

  rollback(): Promise<void> {
    return this.#end('ROLLBACK');
  }

  async #end(word: string): Promise<void> {
    await this.#client.query(word);
    await this.#client.end();
  }

  #spec(table: string): TableSpec {
    const spec = this.#tables.get(table);
    if (!spec) throw new Error(`no table ${table}`);
    return spec;
  }

  #where(table: string, row: Row): string {
    const { columns, key } = this.#spec(table);
    return columns
      .flatMap(({ name }, i) =>
        key.length > 0 && !key.includes(name)
          ? []
          : [`${quoteIdentifier(name)} IS NOT DISTINCT FROM ${quoteNullable(row[i] ?? null)}`],
      )
      .join(' AND ');
  }
}

class PostgresLeader implements LeaderDriver {
  readonly #database: TestDatabase;
  readonly #slot: string;
  readonly #tables = new Map<string, TableSpec>();

  constructor(database: TestDatabase, slot: string) {
    this.#database = database;
    this.#slot = slot;
  }

  async createTable(spec: TableSpec): Promise<void> {
    this.#tables.set(spec.name, spec);
    const name = quoteIdentifier(spec.name);
    const columns = spec.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
    const key = spec.key.length === 0 ? [] : [`PRIMARY KEY (${spec.key.map(quoteIdentifier).join(', ')})`];
    const external = spec.columns
      .filter(({ type }) => type === 'text')
      .map((column) => `ALTER TABLE ${name} ALTER ${quoteIdentifier(column.name)} SET STORAGE EXTERNAL;`);
    await this.#run(
      `CREATE TABLE ${name} (${[...columns, ...key].join(', ')}); ALTER TABLE ${name} REPLICA IDENTITY ${spec.identity}; ${external.join(' ')}`,
    );
  }

  addColumn(table: string, name: string, value: string): Promise<void> {
    return this.#run(
      `ALTER TABLE ${quoteIdentifier(table)} ADD COLUMN ${quoteIdentifier(name)} text DEFAULT ${quoteLiteral(value)}`,
    );
  }

  async begin(): Promise<LeaderTransaction> {
    const client = await this.#database.connect();
    await client.query('BEGIN');
    return new PostgresTransaction(client, this.#tables);
  }

  breakConnection(): Promise<void> {
    return this.#run(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${quoteLiteral(this.#slot)}`,
    );
  }

  async #run(sql: string): Promise<void> {
    const client = await this.#database.connect();
    await client.query(sql);
    await client.end();
  }
}

async function harness(version: PostgresVersion): Promise<SourceHarness> {
  const database = await pgDatabase(version);
  const slot = `s_${database.name}`;
  return {
    leader: new PostgresLeader(database, slot),
    source: () =>
      createPostgresSource({ url: database.url, slot, publication: { name: 'millrace', create: true } }),
    largeText: 'large '.repeat(1_000),
    destroy: () => database.drop(),
  };
}

for (const version of postgresVersions)
  describeSourceConformance(`PostgreSQL ${version}`, () => harness(version));
