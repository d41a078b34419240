import { randomBytes } from 'node:crypto';
import { type PgSession, quoteIdentifier, quoteLiteral, quoteQualified } from '@millrace/postgres';
import { bytes, unhex } from './bytea.js';
import { TableEntries } from './entries.js';
import { installLock, Positions } from './positions.js';
import { run } from './sessions.js';

/** Millrace's own tables in the follower: the store's identity, positions, and what is mirrored. */
export class MetaTables {
  readonly positions: Positions;
  readonly tables: TableEntries;
  readonly #schema: string;
  readonly #store: string;
  readonly #positions: string;
  readonly #tables: string;

  /** Without a partition: those of a follower in transactional mode. */
  constructor(schema: string, follower: string, partition?: number) {
    this.positions = new Positions(schema, follower, partition);
    this.tables = new TableEntries(schema, follower);
    this.#schema = schema;
    this.#store = quoteQualified(schema, 'store');
    this.#positions = quoteQualified(schema, 'positions');
    this.#tables = quoteQualified(schema, 'tables');
  }

  /** Creates what is missing. Several processes may do so at once. */
  async install(session: PgSession): Promise<void> {
    const statements = [
      'BEGIN',
      `SELECT pg_advisory_xact_lock(${installLock})`,
      `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(this.#schema)}`,
      `CREATE TABLE IF NOT EXISTS ${this.#store} (
         one boolean PRIMARY KEY DEFAULT true CHECK (one), store_id bytea NOT NULL, layout integer NOT NULL)`,
      // Every transaction updates the one row: room on its page keeps those updates out of the index.
      `CREATE TABLE IF NOT EXISTS ${this.#positions} (
         follower text, partition text, generation bigint NOT NULL, owner bytea NOT NULL,
         history bigint NOT NULL, "end" numeric(20,0) NOT NULL, anchor bytea NOT NULL,
         state text NOT NULL, log_id bytea NOT NULL, notes text NOT NULL,
         PRIMARY KEY (follower, partition)) WITH (fillfactor = 20)`,
      `CREATE TABLE IF NOT EXISTS ${this.#tables} (
         follower text, topic text, version bigint NOT NULL, state text NOT NULL, relation text NOT NULL,
         table_schema text NOT NULL, table_name text NOT NULL, PRIMARY KEY (follower, topic))`,
      `INSERT INTO ${this.#store} (store_id, layout) VALUES (${bytes(randomBytes(16))}, 1) ON CONFLICT DO NOTHING`,
      'COMMIT',
    ];
    await session.query('creating the tables of Millrace', statements.join(';\n'));
  }

  async installed(session: PgSession): Promise<boolean> {
    const rows = await run(session, 'looking for the tables of Millrace', {
      text: `SELECT to_regclass(${quoteLiteral(this.#positions)})::text`,
    });
    return rows.rows[0]?.[0] != null;
  }

  async storeId(session: PgSession): Promise<Uint8Array | undefined> {
    const { rows } = await run(session, 'reading the store id', {
      text: `SELECT store_id FROM ${this.#store}`,
    });
    return rows[0] ? unhex(rows[0][0] as string) : undefined;
  }
}
