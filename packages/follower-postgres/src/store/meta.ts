import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  type FollowerState,
  type MirroredTable,
  type PositionRow,
  type StoredPosition,
  wrongMode,
} from '@millrace/follower';
import { type Lsn, lsn, type Relation } from '@millrace/model';
import { type PgSession, quoteIdentifier, quoteLiteral, quoteQualified } from '@millrace/postgres';
import type { TableName } from '../table/names.js';
import { run, type TextResult } from './sessions.js';

/** Partition of the one row of a follower in transactional mode (log-protocol §6). */
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
  readonly #partition: string;
  readonly #store: string;
  readonly #positions: string;
  readonly #tables: string;

  /** Without a partition: those of a follower in transactional mode. */
  constructor(schema: string, follower: string, partition?: number) {
    this.#schema = schema;
    this.#follower = follower;
    this.#partition = partition === undefined ? wholeFollower : String(partition);
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

  /** Inserts the row, or replaces whatever rows there are under the next generation; leaves an existing one alone unless `reset`. */
  async register(session: PgSession, initial: StoredPosition, reset: boolean): Promise<void> {
    await this.#registerRows(session, initial, [wholeFollower], reset);
  }

  /** The same for partitions 0 … count − 1. */
  async registerPartitions(
    session: PgSession,
    initial: StoredPosition,
    count: number,
    reset: boolean,
  ): Promise<void> {
    const partitions = Array.from({ length: count }, (_, partition) => String(partition));
    await this.#registerRows(session, initial, partitions, reset);
  }

  /** MR-4013 when the rows that are there are those of the other mode. */
  async #registerRows(
    session: PgSession,
    initial: StoredPosition,
    partitions: readonly string[],
    reset: boolean,
  ): Promise<void> {
    const { position } = initial;
    const doing = `registering at ${position.history}:${position.end}`;
    const [present] = await session.query(
      doing,
      `BEGIN;
       SELECT pg_advisory_xact_lock(${installLock});
       SELECT count(*) AS rows, coalesce(max(generation), 0) AS newest, coalesce(bool_or(partition = '*'), false) AS whole
       FROM ${this.#positions} WHERE ${this.#ours}`,
    );
    const isPresent = present?.rows !== '0';
    if (isPresent && !reset) {
      await session.query(doing, 'ROLLBACK');
      const registered = present?.whole === 't' ? 'transactional' : 'partitioned';
      const wanted = partitions[0] === wholeFollower ? 'transactional' : 'partitioned';
      if (registered !== wanted) throw wrongMode(this.#follower, registered);
      return;
    }
    const generation = BigInt(present?.newest ?? 0) + 1n;
    const rows = partitions.map((partition) =>
      [
        quoteLiteral(this.#follower),
        quoteLiteral(partition),
        generation,
        bytes(noOwner),
        ...this.#values(initial),
      ].join(', '),
    );
    await orRollBack(session, () =>
      session.query(
        doing,
        `DELETE FROM ${this.#positions} WHERE ${this.#ours};
         INSERT INTO ${this.#positions} (follower, partition, generation, owner, history, "end", anchor, state, log_id, notes)
         VALUES (${rows.join('), (')});
         COMMIT`,
      ),
    );
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

  /** The rows of all partitions, in their order. */
  async partitionRows(session: PgSession): Promise<PositionRow[]> {
    const { rows } = await run(session, 'reading the positions', {
      text: `SELECT ${columns} FROM ${this.#positions} WHERE ${this.#ours} AND partition <> '*' ORDER BY partition::integer`,
    });
    return rows.map(rowFrom);
  }

  /**
   * R26: BEGIN, and all rows moved from `from` to `to`. False, and no transaction, while one of them stands elsewhere. Looks
   * without locks first, then decides under them.
   */
  async beginAllFrom(
    session: PgSession,
    owned: { readonly owner: Uint8Array; readonly generation: number },
    from: StoredPosition,
    to: StoredPosition,
  ): Promise<boolean> {
    const elsewhere = `NOT (generation = ${owned.generation} AND ${standsAt(from)})`;
    const late = await session.query(
      'looking whether every partition has arrived',
      `SELECT 1 FROM ${this.#positions} WHERE ${this.#ours} AND ${elsewhere} LIMIT 1`,
    );
    if (late.length > 0) return false;
    return await orRollBack(session, () => this.#moveAll(session, owned, elsewhere, to));
  }

  async #moveAll(
    session: PgSession,
    owned: { readonly owner: Uint8Array },
    elsewhere: string,
    to: StoredPosition,
  ): Promise<boolean> {
    const rows = await session.query(
      'locking all partitions',
      `BEGIN;
       SELECT (${elsewhere})::text AS elsewhere, (${this.#mine} AND owner = ${bytes(owned.owner)})::text AS mine
       FROM ${this.#positions} WHERE ${this.#ours} ORDER BY partition FOR UPDATE`,
    );
    const isReady = rows.every((row) => row.elsewhere === 'false') && rows.some((row) => row.mine === 'true');
    if (!isReady) {
      await session.query('rolling back', 'ROLLBACK');
      return false;
    }
    await session.query(
      'moving all partitions',
      `UPDATE ${this.#positions} SET ${this.#moveTo(to)} WHERE ${this.#ours}`,
    );
    return true;
  }

  /** BEGIN and the fencing UPDATE in one round trip: R21, R22. True when exactly one row matched. */
  async beginFrom(
    session: PgSession,
    owned: { readonly owner: Uint8Array; readonly generation: number },
    from: StoredPosition,
    to: StoredPosition,
  ): Promise<boolean> {
    const matched = await orRollBack(session, () =>
      session.query(
        'beginning a transaction',
        `BEGIN;
         UPDATE ${this.#positions} SET ${this.#moveTo(to)}
         WHERE ${this.#mine} AND owner = ${bytes(owned.owner)} AND generation = ${owned.generation} AND ${standsAt(from)}
         RETURNING 1`,
      ),
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

  /** Every row of the follower. */
  get #ours(): string {
    return `follower = ${quoteLiteral(this.#follower)}`;
  }

  /** The one row of this handle. */
  get #mine(): string {
    return `${this.#ours} AND partition = ${quoteLiteral(this.#partition)}`;
  }

  #moveTo(to: StoredPosition): string {
    const [history, end, anchor, state, logId, notes] = this.#values(to);
    return `history = ${history}, "end" = ${end}, anchor = ${anchor}, state = ${state}, log_id = ${logId}, notes = ${notes}`;
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

/** A statement that fails leaves its transaction open: whoever uses the session next must not find it so. */
async function orRollBack<T>(session: PgSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await session.query('rolling back', 'ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The old position in a WHERE (R21). */
const standsAt = ({ position, anchor }: StoredPosition): string =>
  `history = ${position.history} AND "end" = ${position.end} AND anchor = ${bytes(anchor)}`;

const rowOf = ({ rows }: TextResult): PositionRow | undefined => rows[0] && rowFrom(rows[0]);

function rowFrom(cells: TextResult['rows'][number]): PositionRow {
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
