import { Buffer } from 'node:buffer';
import { type FollowerState, type PositionRow, type StoredPosition, wrongMode } from '@millrace/follower';
import { type Lsn, lsn } from '@millrace/model';
import { type PgSession, quoteLiteral, quoteQualified } from '@millrace/postgres';
import { bytes, unhex } from './bytea.js';
import { run, type TextResult } from './sessions.js';

/** Partition of the one row of a follower in transactional mode (log-protocol §6). */
const wholeFollower = '*';
const noOwner = Buffer.alloc(16);
/** Serializes the creation of our tables, and of rows, by several followers that start at once. Any constant will do. */
export const installLock = 0x4d_69_6c_6c;

/** The position rows of one follower: of all of it, or of its partitions. */
export class Positions {
  readonly #follower: string;
  readonly #partition: string;
  readonly #positions: string;

  /** Without a partition: the row of a follower in transactional mode. */
  constructor(schema: string, follower: string, partition?: number) {
    this.#follower = follower;
    this.#partition = partition === undefined ? wholeFollower : String(partition);
    this.#positions = quoteQualified(schema, 'positions');
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
