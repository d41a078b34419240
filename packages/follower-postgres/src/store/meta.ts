import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { FollowerState, MirroredTable, PositionRow, StoredPosition } from '@millrace/follower';
import { type Lsn, lsn, type Relation } from '@millrace/model';
import { type PgSession, quoteIdentifier, quoteLiteral, quoteQualified } from '@millrace/postgres';
import type { TableName } from '../table/names.js';
import { run, type TextResult } from './sessions.js';

/** Position of the one partition of a transactional follower (log-protocol §6). */
const wholeFollower = '*';
const noOwner = Buffer.alloc(16);
/** Serializes the creation of our tables by several followers that start at once. Any constant will do. */
const installLock = 0x4d_69_6c_6c;

export interface TableEntry {
  readonly mirrored: MirroredTable;
  /** Where the rows are; differs from the relation's own name by the schema mapping, and while a swap of names is half done. */
  readonly place: TableName;
}

/** Millrace's own tables in the follower: the store's identity, positions, and what is mirrored. */
export class MetaTables {
  readonly #schema: string;
  readonly #follower: string;
  readonly #store: string;
  readonly #positions: string;
  readonly #tables: string;

  constructor(schema: string, follower: string) {
    this.#schema = schema;
    this.#follower = follower;
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

  /** Inserts the row, or replaces it under the next generation; leaves an existing one alone unless `reset`. */
  async register(session: PgSession, initial: StoredPosition, reset: boolean): Promise<void> {
    const { position } = initial;
    const values = [
      quoteLiteral(this.#follower),
      quoteLiteral(wholeFollower),
      '1',
      bytes(noOwner),
      ...this.#values(initial),
    ];
    const onConflict = reset
      ? `DO UPDATE SET generation = p.generation + 1, owner = EXCLUDED.owner, history = EXCLUDED.history, "end" = EXCLUDED."end",
           anchor = EXCLUDED.anchor, state = EXCLUDED.state, log_id = EXCLUDED.log_id, notes = EXCLUDED.notes`
      : 'DO NOTHING';
    await run(session, `registering at ${position.history}:${position.end}`, {
      text: `INSERT INTO ${this.#positions} AS p (follower, partition, generation, owner, history, "end", anchor, state, log_id, notes)
             VALUES (${values.join(', ')}) ON CONFLICT (follower, partition) ${onConflict}`,
    });
  }

  /** Its own transaction; waits for the row's lock, that is for a commit in flight (R22). */
  async takeOver(session: PgSession, owner: Uint8Array): Promise<PositionRow | undefined> {
    return rowOf(
      await run(session, 'taking over the position', {
        text: `UPDATE ${this.#positions} SET owner = ${bytes(owner)} WHERE ${this.#mine} RETURNING ${columns}`,
      }),
    );
  }

  async row(session: PgSession): Promise<PositionRow | undefined> {
    return rowOf(
      await run(session, 'reading the position', {
        text: `SELECT ${columns} FROM ${this.#positions} WHERE ${this.#mine}`,
      }),
    );
  }

  /** BEGIN and the fencing UPDATE in one round trip: R21, R22. True when exactly one row matched. */
  async beginFrom(
    session: PgSession,
    owned: { readonly owner: Uint8Array; readonly generation: number },
    from: StoredPosition,
    to: StoredPosition,
  ): Promise<boolean> {
    const [history, end, anchor, state, logId, notes] = this.#values(to);
    const matched = await session.query(
      'beginning a transaction',
      `BEGIN;
       UPDATE ${this.#positions} SET history = ${history}, "end" = ${end}, anchor = ${anchor}, state = ${state},
         log_id = ${logId}, notes = ${notes}
       WHERE ${this.#mine} AND owner = ${bytes(owned.owner)} AND generation = ${owned.generation}
         AND history = ${from.position.history} AND "end" = ${from.position.end} AND anchor = ${bytes(from.anchor)}
       RETURNING 1`,
    );
    return matched.length === 1;
  }

  async entries(session: PgSession): Promise<TableEntry[]> {
    const { rows } = await run(session, 'reading the mirrored tables', {
      text: `SELECT topic, version, state, relation, table_schema, table_name FROM ${this.#tables}
             WHERE follower = ${quoteLiteral(this.#follower)} ORDER BY topic`,
    });
    return rows.map((cells) => {
      const [topic, version, state, relation, schema, name] = cells as string[];
      return {
        mirrored: {
          topic: topic as string,
          version: Number(version),
          relation: JSON.parse(relation as string) as Relation,
          state: state as MirroredTable['state'],
        },
        place: { schema: schema as string, name: name as string },
      };
    });
  }

  async save(session: PgSession, entry: TableEntry): Promise<void> {
    const { mirrored, place } = entry;
    const set = ['version', 'state', 'relation', 'table_schema', 'table_name'];
    const values = [
      this.#follower,
      mirrored.topic,
      `${mirrored.version}`,
      mirrored.state,
      JSON.stringify(mirrored.relation),
      place.schema,
      place.name,
    ];
    await run(session, `recording table ${mirrored.topic}`, {
      text: `INSERT INTO ${this.#tables} (follower, topic, ${set.join(', ')}) VALUES (${values.map(quoteLiteral).join(', ')})
             ON CONFLICT (follower, topic) DO UPDATE SET ${set.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`,
    });
  }

  async remove(session: PgSession, topic: string): Promise<void> {
    await run(session, `forgetting table ${topic}`, {
      text: `DELETE FROM ${this.#tables} WHERE follower = ${quoteLiteral(this.#follower)} AND topic = ${quoteLiteral(topic)}`,
    });
  }

  get #mine(): string {
    return `follower = ${quoteLiteral(this.#follower)} AND partition = ${quoteLiteral(wholeFollower)}`;
  }

  #values(at: StoredPosition): string[] {
    return [
      `${at.position.history}`,
      `${at.position.end}`,
      bytes(at.anchor),
      quoteLiteral(at.state),
      bytes(at.logId),
      quoteLiteral(at.notes),
    ];
  }
}

const columns = 'owner, generation, history, "end", anchor, state, log_id, notes';

function rowOf({ rows }: TextResult): PositionRow | undefined {
  const cells = rows[0] as string[] | undefined;
  if (!cells) return undefined;
  const [owner, generation, history, end, anchor, state, logId, notes] = cells as [
    string,
    string,
    string,
    string,
    string,
    FollowerState,
    string,
    string,
  ];
  const endLsn: Lsn = lsn(BigInt(end));
  return {
    owner: unhex(owner),
    generation: Number(generation),
    position: { history: Number(history), end: endLsn },
    anchor: unhex(anchor),
    state,
    logId: unhex(logId),
    notes,
  };
}

const bytes = (value: Uint8Array): string => `'\\x${Buffer.from(value).toString('hex')}'::pg_catalog.bytea`;

/** From bytea's text under bytea_output = hex. */
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
