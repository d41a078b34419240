import type { SeenWorker, WorkerNote, WorkerTable } from '@millrace/follower';
import {
  type PgSession,
  quoteIdentifier,
  quoteLiteral,
  quoteQualified,
  sqlStateOf,
} from '@millrace/postgres';
import type { Logger } from '@millrace/runtime';
import { run, type Sessions, workerMark } from './sessions.js';

/** Serializes joins, so that ranks are seen in their order. Any constant will do; another one than the installation's. */
const joinLock = 0x4d_69_6c_77;
/** Entries that said nothing for this long are swept by whoever joins. */
const forgotten_s = 600;
/** A beat that takes longer tells nothing any more. */
const beat_ms_max = 2_000;
/** Only hints are written here: nobody waits for the disk. */
const settings = [
  ['synchronous_commit', 'off'],
  ['statement_timeout', String(beat_ms_max)],
] as const;

export interface WorkersOptions {
  readonly schema: string;
  readonly follower: string;
  readonly id: string;
  readonly sessions: Sessions;
  readonly logger: Logger;
}

/**
 * The workers of a follower in an unlogged table beside its positions, over a connection of their own: neither waits for
 * the other. Unlogged rows vanish in a crash of the server, and so do the connections of everybody who wrote them.
 */
export class PostgresWorkers implements WorkerTable {
  readonly id: string;
  readonly #o: WorkersOptions;
  readonly #table: string;
  #session: PgSession | undefined;
  #installed = false;

  constructor(options: WorkersOptions) {
    this.id = options.id;
    this.#o = options;
    this.#table = quoteQualified(options.schema, 'workers');
  }

  async join(note: WorkerNote): Promise<readonly SeenWorker[]> {
    const session = await this.#open();
    await session.query(
      'entering among the workers',
      `BEGIN;
       SELECT pg_advisory_xact_lock(${joinLock});
       DELETE FROM ${this.#table} WHERE follower = ${this.#follower}
         AND (worker = ${quoteLiteral(this.id)} OR seen < clock_timestamp() - interval '${forgotten_s} s');
       INSERT INTO ${this.#table} (follower, worker, rank, host, pid, active, partitions, seen)
         SELECT ${this.#follower}, ${quoteLiteral(this.id)},
           (SELECT coalesce(max(rank), 0) + 1 FROM ${this.#table} WHERE follower = ${this.#follower}),
           ${quoteLiteral(note.host)}, ${note.pid}, ${note.active}, ${partitionsOf(note)}, clock_timestamp();
       COMMIT`,
    );
    return await this.#everybody(session);
  }

  async beat(note: WorkerNote): Promise<readonly SeenWorker[]> {
    const session = await this.#open();
    const { count } = await run(session, 'telling that this worker lives', {
      text: `UPDATE ${this.#table} SET seen = clock_timestamp(), active = ${note.active}, partitions = ${partitionsOf(note)}
             WHERE ${this.#mine}`,
    });
    return count === 1 ? await this.#everybody(session) : await this.join(note);
  }

  /** Gives its connection up as well. */
  async leave(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    try {
      await run(session, 'leaving', { text: `DELETE FROM ${this.#table} WHERE ${this.#mine}` });
    } finally {
      await session.close();
    }
  }

  async evict(id: string): Promise<void> {
    const session = await this.#open();
    await run(session, 'taking a silent worker out', {
      text: `DELETE FROM ${this.#table} WHERE follower = ${this.#follower} AND worker = ${quoteLiteral(id)}`,
    });
    try {
      await run(session, 'ending the sessions of a silent worker', {
        text: `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
               WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
                 AND pg_catalog.starts_with(application_name, ${quoteLiteral(workerMark(id))})`,
      });
    } catch (error) {
      // Sessions of another role need pg_signal_backend. Without it the idle-in-transaction timeout ends them, later (R22).
      if (sqlStateOf(error) !== '42501') throw error;
      this.#o.logger.info(
        { follower: this.#o.follower, worker: id },
        'The role may not end the sessions of a silent worker: the server does, after its idle-in-transaction timeout.',
      );
    }
  }

  get #follower(): string {
    return quoteLiteral(this.#o.follower);
  }

  get #mine(): string {
    return `follower = ${this.#follower} AND worker = ${quoteLiteral(this.id)}`;
  }

  /** A word from the future is from before the server's clock was put back: whoever lives says another at once. */
  async #everybody(session: PgSession): Promise<readonly SeenWorker[]> {
    const { rows } = await run(session, 'looking at the workers', {
      text: `SELECT worker, rank, host, pid, active, partitions,
               abs(extract(epoch FROM clock_timestamp() - seen) * 1000)::bigint
             FROM ${this.#table} WHERE follower = ${this.#follower} ORDER BY rank`,
    });
    return rows.map((cells) => {
      const [id, rank, host, pid, active, partitions, silence_ms] = cells as string[];
      return {
        id: id as string,
        rank: Number(rank),
        host: host as string,
        pid: Number(pid),
        active: active === 't',
        partitions: JSON.parse(partitions as string) as number[],
        silence_ms: Number(silence_ms),
      };
    });
  }

  async #open(): Promise<PgSession> {
    if (!this.#session?.usable) {
      await this.#session?.close();
      this.#session = await this.#o.sessions.fresh(settings);
    }
    if (!this.#installed) await this.#install(this.#session);
    return this.#session;
  }

  /** Apart from the other tables: a follower of an earlier version has none, and a worker enters before it registers. */
  async #install(session: PgSession): Promise<void> {
    const { rows } = await run(session, 'looking for the table of workers', {
      text: `SELECT to_regclass(${quoteLiteral(this.#table)})::text`,
    });
    if (rows[0]?.[0] == null)
      await session.query(
        'creating the table of workers',
        `BEGIN;
         SELECT pg_advisory_xact_lock(${joinLock});
         CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(this.#o.schema)};
         CREATE UNLOGGED TABLE IF NOT EXISTS ${this.#table} (
           follower text, worker text, rank bigint NOT NULL, host text NOT NULL, pid bigint NOT NULL,
           active boolean NOT NULL, partitions text NOT NULL, seen timestamptz NOT NULL,
           PRIMARY KEY (follower, worker)) WITH (fillfactor = 20);
         COMMIT`,
      );
    this.#installed = true;
  }
}

const partitionsOf = (note: WorkerNote): string => quoteLiteral(JSON.stringify(note.partitions));
