import { PgSession, serverFault, sqlStateOf } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { defaultIdleInTransactionTimeout_ms, type PostgresFollowerOptions } from '../options.js';

/** Rows of a statement in column order, as text; and how many rows it touched. */
export interface TextResult {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly count: number;
}

export interface Statement {
  /** Prepared once per session under this name; names are unique per text. */
  readonly name?: string;
  readonly text: string;
}

/** Planner settings of the writing session, which touches rows by key only and must not depend on statistics of young tables. */
const writerSettings: readonly (readonly [string, string])[] = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['enable_seqscan', 'off'],
];

/** What the application name of a worker's sessions begins with; the follower's name follows, cut by the server at 63 bytes. */
export const workerMark = (worker: string): string => `millrace ${worker} `;

/** The follower's connections: one that writes, one that reads; opened when needed, again after they broke. */
export class Sessions {
  readonly #options: PostgresFollowerOptions;
  readonly #worker: string;
  readonly #lender: Sessions | undefined;
  #writer: Promise<PgSession> | undefined;
  #reader: Promise<PgSession> | undefined;
  #mutedTriggers = true;

  /** `worker`: the handle's identity among the follower's workers, by which its sessions are known. */
  constructor(options: PostgresFollowerOptions, worker: string, lender?: Sessions) {
    this.#options = options;
    this.#worker = worker;
    this.#lender = lender;
  }

  /** Sessions for another handle of the same worker: a writer of its own, this one's reader. */
  lend(): Sessions {
    return new Sessions(this.#options, this.#worker, this);
  }

  async writer(): Promise<PgSession> {
    const present = await this.#writer?.catch(() => undefined);
    if (present?.usable) return present;
    this.#writer = this.#openWriter();
    return await this.#writer;
  }

  async reader(): Promise<PgSession> {
    if (this.#lender) return await this.#lender.reader();
    const known = this.#reader;
    const present = await known?.catch(() => undefined);
    if (present?.usable) return present;
    // Handles that share it find it broken at the same time: one opens another, which is then everybody's.
    if (this.#reader === known) this.#reader = this.fresh();
    return await (this.#reader ?? this.reader());
  }

  /** A session of the caller's own, who closes it. */
  async fresh(settings: readonly (readonly [string, string])[] = []): Promise<PgSession> {
    return await PgSession.open(this.#options.url, {
      role: 'follower',
      applicationName: `${workerMark(this.#worker)}${this.#options.name}`,
      idleInTransactionTimeout_ms:
        this.#options.idleInTransactionTimeout_ms ?? defaultIdleInTransactionTimeout_ms,
      settings,
    });
  }

  /** Drops the writing connection, and with it whatever transaction it was in. */
  async discardWriter(): Promise<void> {
    const session = await this.#writer?.catch(() => undefined);
    this.#writer = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    const sessions = [this.#writer, this.#reader];
    this.#writer = undefined;
    this.#reader = undefined;
    for (const opening of sessions) await (await opening?.catch(() => undefined))?.close();
  }

  async #openWriter(): Promise<PgSession> {
    const session = await this.fresh(writerSettings);
    try {
      await session.query('muting triggers', 'SET session_replication_role = replica');
    } catch (error) {
      // Needs superuser, or GRANT SET ON PARAMETER from 15 on. Without it, triggers and foreign keys of the follower fire.
      if (sqlStateOf(error) !== '42501') throw error;
      if (this.#mutedTriggers) {
        this.#options.logger.info(
          { follower: this.#options.name },
          'The role may not set session_replication_role: triggers and foreign keys on follower tables will fire.',
        );
      }
      this.#mutedTriggers = false;
    }
    return session;
  }
}

/** Runs a statement; `doing` completes "while …" in a fault. */
export async function run(
  session: PgSession,
  doing: string,
  statement: Statement,
  values: readonly (string | null)[] = [],
): Promise<TextResult> {
  if (session.broken) throw session.broken;
  try {
    const result = await session.client.query<(string | null)[]>({
      ...(statement.name === undefined ? {} : { name: statement.name }),
      text: statement.text,
      rowMode: 'array',
      ...(values.length === 0 ? {} : { values: [...values] }),
    });
    return { rows: result.rows, count: result.rowCount ?? 0 };
  } catch (error) {
    throw rowFault(error, doing);
  }
}

/**
 * Refused values and rows become faults that name the place and the constraint but never a value, which PostgreSQL's own message
 * may quote.
 */
export function rowFault(error: unknown, doing: string): Fault {
  const state = sqlStateOf(error) ?? '';
  const { table, constraint, column } = namesOf(error);
  const place = [
    table && `table ${table}`,
    column && `column ${column}`,
    constraint && `constraint ${constraint}`,
  ]
    .filter(Boolean)
    .join(', ');
  if (state.startsWith('22')) {
    return new Fault('MR-5001', {
      detail: `while ${doing}: a value does not fit${place ? ` (${place})` : ''} (SQLSTATE ${state}).`,
      context: { sqlstate: state },
    });
  }
  if (state.startsWith('23')) {
    return new Fault('MR-4006', {
      detail: `while ${doing}: a row was refused${place ? ` (${place})` : ''} (SQLSTATE ${state}).`,
      context: { sqlstate: state, table, constraint, column },
    });
  }
  return serverFault('follower', error, doing);
}

function namesOf(error: unknown): { table?: string; constraint?: string; column?: string } {
  const fields = error as { table?: unknown; constraint?: unknown; column?: unknown };
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const [table, constraint, column] = [text(fields.table), text(fields.constraint), text(fields.column)];
  return {
    ...(table === undefined ? {} : { table }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(column === undefined ? {} : { column }),
  };
}
