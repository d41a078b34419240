import { randomBytes } from 'node:crypto';
import type { DuckDBBlobValue, DuckDBMaterializedResult, DuckDBValue } from '@duckdb/node-api';
import type {
  FollowerState,
  MirroredTable,
  Ownership,
  PositionRow,
  StoredPosition,
} from '@millrace/follower';
import { lsn, type Relation } from '@millrace/model';
import type { Engine } from '../engine/engine.js';
import { blobLiteral, quoteName, quoteText } from '../engine/sql.js';
import type { TableName } from '../table/names.js';

/** Position of the one partition of a transactional follower (log-protocol §6). */
const wholeFollower = '*';
const noOwner = new Uint8Array(16);

export interface TableEntry {
  readonly mirrored: MirroredTable;
  readonly place: TableName;
}

/** Millrace's own tables in the file: the store's identity, positions, and what is mirrored. Without keys: each has few rows. */
export class MetaTables {
  readonly #engine: Engine;
  readonly #schemaName: string;
  /** Qualified and quoted. */
  readonly #schema: string;
  readonly #follower: string;

  constructor(engine: Engine, schema: string, follower: string) {
    this.#engine = engine;
    this.#schemaName = schema;
    this.#schema = `${engine.catalog}.${quoteName(schema)}`;
    this.#follower = follower;
  }

  /** In the caller's transaction. */
  async install(): Promise<void> {
    const doing = 'creating the tables of Millrace';
    await this.#engine.write(doing, `CREATE SCHEMA IF NOT EXISTS ${this.#schema}`);
    await this.#engine.write(
      doing,
      `CREATE TABLE IF NOT EXISTS ${this.#schema}.store (store_id BLOB NOT NULL, layout INTEGER NOT NULL)`,
    );
    await this.#engine.write(
      doing,
      `CREATE TABLE IF NOT EXISTS ${this.#schema}.positions (follower VARCHAR NOT NULL, "partition" VARCHAR NOT NULL,
         generation BIGINT NOT NULL, owner BLOB NOT NULL, history UINTEGER NOT NULL, "end" UBIGINT NOT NULL,
         anchor BLOB NOT NULL, state VARCHAR NOT NULL, log_id BLOB NOT NULL, notes VARCHAR NOT NULL)`,
    );
    await this.#engine.write(
      doing,
      `CREATE TABLE IF NOT EXISTS ${this.#schema}.tables (follower VARCHAR NOT NULL, topic VARCHAR NOT NULL,
         version BIGINT NOT NULL, state VARCHAR NOT NULL, relation VARCHAR NOT NULL,
         table_schema VARCHAR NOT NULL, table_name VARCHAR NOT NULL)`,
    );
    await this.#engine.write(
      doing,
      `INSERT INTO ${this.#schema}.store SELECT ${blobLiteral(randomBytes(16))}, 1 WHERE NOT EXISTS (SELECT 1 FROM ${this.#schema}.store)`,
    );
  }

  async installed(): Promise<boolean> {
    const rows = await rowsOf(
      this.#engine.read(
        'looking for the tables of Millrace',
        `SELECT count(*) FROM duckdb_tables() WHERE table_name = 'positions'
           AND schema_name = ${quoteText(this.#schemaName)} AND database_name = current_database()`,
      ),
    );
    return rows[0]?.[0] !== 0n;
  }

  async storeId(): Promise<Uint8Array | undefined> {
    const rows = await rowsOf(
      this.#engine.read('reading the store id', `SELECT store_id FROM ${this.#schema}.store`),
    );
    return rows[0] && bytesOf(rows[0][0]);
  }

  /** In the caller's transaction: inserts the row, or replaces it under the next generation. */
  async register(initial: StoredPosition, generation: number): Promise<void> {
    await this.#engine.write('registering', `DELETE FROM ${this.#schema}.positions WHERE ${this.#mine}`);
    const values = [
      quoteText(this.#follower),
      quoteText(wholeFollower),
      `${generation}`,
      blobLiteral(noOwner),
      `${initial.position.history}`,
      `${initial.position.end}`,
      blobLiteral(initial.anchor),
      quoteText(initial.state),
      blobLiteral(initial.logId),
      quoteText(initial.notes),
    ];
    await this.#engine.write(
      'registering',
      `INSERT INTO ${this.#schema}.positions VALUES (${values.join(', ')})`,
    );
  }

  async takeOver(owner: Uint8Array): Promise<void> {
    await this.#engine.write(
      'taking over the position',
      `UPDATE ${this.#schema}.positions SET owner = ${blobLiteral(owner)} WHERE ${this.#mine}`,
    );
  }

  async row(): Promise<PositionRow | undefined> {
    const rows = await rowsOf(
      this.#engine.read(
        'reading the position',
        `SELECT owner, generation, history, "end", anchor, state, log_id, notes FROM ${this.#schema}.positions WHERE ${this.#mine}`,
      ),
    );
    const cells = rows[0];
    if (!cells) return undefined;
    const [owner, generation, history, end, anchor, state, logId, notes] = cells;
    return {
      owner: bytesOf(owner),
      generation: Number(generation),
      position: { history: Number(history), end: lsn(end as bigint) },
      anchor: bytesOf(anchor),
      state: state as FollowerState,
      logId: bytesOf(logId),
      notes: notes as string,
    };
  }

  /** R21, R22: the first statement of a transaction. True when exactly one row matched. */
  async move(owned: Ownership, from: StoredPosition, to: StoredPosition): Promise<boolean> {
    const changed = await this.#engine.write(
      'moving the position',
      `UPDATE ${this.#schema}.positions SET history = ${to.position.history}, "end" = ${to.position.end},
         anchor = ${blobLiteral(to.anchor)}, state = ${quoteText(to.state)}, log_id = ${blobLiteral(to.logId)},
         notes = ${quoteText(to.notes)}
       WHERE ${this.#mine} AND owner = ${blobLiteral(owned.owner)} AND generation = ${owned.generation}
         AND history = ${from.position.history} AND "end" = ${from.position.end} AND anchor = ${blobLiteral(from.anchor)}`,
    );
    return changed === 1;
  }

  async entries(): Promise<TableEntry[]> {
    const rows = await rowsOf(
      this.#engine.read(
        'reading the mirrored tables',
        `SELECT topic, version, state, relation, table_schema, table_name FROM ${this.#schema}.tables
         WHERE follower = ${quoteText(this.#follower)} ORDER BY topic`,
      ),
    );
    return rows.map(([topic, version, state, relation, schema, name]) => ({
      mirrored: {
        topic: topic as string,
        version: Number(version),
        relation: JSON.parse(relation as string) as Relation,
        state: state as MirroredTable['state'],
      },
      place: { schema: schema as string, name: name as string },
    }));
  }

  async save({ mirrored, place }: TableEntry): Promise<void> {
    await this.remove(mirrored.topic);
    const values = [this.#follower, mirrored.topic].map(quoteText);
    const more = [mirrored.state, JSON.stringify(mirrored.relation), place.schema, place.name].map(quoteText);
    await this.#engine.write(
      `recording table ${mirrored.topic}`,
      `INSERT INTO ${this.#schema}.tables VALUES (${[...values, `${mirrored.version}`, ...more].join(', ')})`,
    );
  }

  async remove(topic: string): Promise<void> {
    await this.#engine.write(
      `forgetting table ${topic}`,
      `DELETE FROM ${this.#schema}.tables WHERE follower = ${quoteText(this.#follower)} AND topic = ${quoteText(topic)}`,
    );
  }

  get #mine(): string {
    return `follower = ${quoteText(this.#follower)} AND "partition" = ${quoteText(wholeFollower)}`;
  }
}

const rowsOf = async (result: Promise<DuckDBMaterializedResult>): Promise<DuckDBValue[][]> =>
  await (await result).getRows();

const bytesOf = (value: DuckDBValue | undefined): Uint8Array =>
  Uint8Array.from((value as DuckDBBlobValue).bytes);
