import type { AcquireOptions, InitialSnapshot, LeaderWal, Source, SourceSession } from '@millrace/capture';
import type { Lsn } from '@millrace/model';
import {
  checkSlot,
  createExportedSlot,
  createLibraryWalSource,
  describeBackend,
  ensurePublication,
  Patience,
  type PgSession,
  quoteIdentifier,
  quoteLiteral,
  readServer,
  readSlot,
  readWalEnd,
  requireDecoding,
  type ServerInfo,
  type TableName,
  type WalStream,
} from '@millrace/postgres';
import {
  type BackoffPolicy,
  backoff_ms,
  type Clock,
  Fault,
  type Logger,
  silentLogger,
  systemClock,
  toFault,
} from '@millrace/runtime';
import { type DdlEvents, ensureDdlTrigger } from './schema/ddl-trigger.js';
import { openInitialSnapshot } from './snapshot/initial-snapshot.js';
import { ControlConnection } from './stream/control.js';
import { PostgresSourceSession } from './stream/source-session.js';

export interface PostgresSourceOptions {
  /** `postgresql://user:password@host:port/database?sslmode=…`; the role needs REPLICATION and SELECT on the tables. */
  readonly url: string;
  /** Lower case letters, digits and underscores. Made on first use. */
  readonly slot: string;
  readonly publication: {
    readonly name: string;
    /** Make the publication, or add missing tables to it; otherwise it must be there. */
    readonly create: boolean;
    /** Undefined: all tables. */
    readonly tables?: readonly TableName[];
  };
  /** Event triggers on the leader that announce schema changes (R37). Default `auto`: where the role may install them. */
  readonly ddlEvents?: DdlEvents;
  /** As pg_stat_activity shows it; default `millrace`. Named in synchronous_standby_names, commits wait for the log. */
  readonly applicationName?: string;
  /** For a table that is read whole while streaming and does not fit into memory; default the system's (TMPDIR). */
  readonly temporaryFolder?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly random?: () => number;
}

/** The slot is free within milliseconds of its holder's end: first tries come quickly. */
const slotBackoff: BackoffPolicy = { first_ms: 50, max_ms: 2_000, factor: 1.7 };
/** A table that changes between a slot's consistent point and its lock makes the slot useless; that is rare. */
const slotAttempts_max = 5;
/** When to say that making a slot waits for the transactions that run. */
const slotPatience_ms = 2_000;

/** Port `Source` for PostgreSQL 14 to 18. Nothing is connected before `acquire`. */
export function createPostgresSource(options: PostgresSourceOptions): Source {
  const source = new PostgresSource(options);
  return { acquire: (request) => source.acquire(request) };
}

interface Made {
  readonly consistentPoint: Lsn;
  readonly snapshot: InitialSnapshot;
}

class PostgresSource {
  readonly #options: PostgresSourceOptions;
  readonly #applicationName: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #patience = new Patience();

  constructor(options: PostgresSourceOptions) {
    if (!/^[a-z0-9_]{1,63}$/.test(options.slot))
      throw new Fault('MR-1003', {
        detail: `"${options.slot}" is not a slot name`,
        remedy: 'Use lower case letters, digits and underscores, at most 63.',
      });
    this.#options = options;
    this.#applicationName = options.applicationName ?? 'millrace';
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#random = options.random ?? Math.random;
  }

  /** Tries until the slot is held; waits show through `onWait` (promise 10), faults that waiting cannot heal are thrown. */
  async acquire(request: AcquireOptions): Promise<SourceSession> {
    for (let attempt = 0; ; attempt++) {
      request.signal.throwIfAborted();
      try {
        return await this.#tryAcquire(request);
      } catch (error) {
        request.signal.throwIfAborted();
        const fault = toFault(error);
        if (fault.entry.policy !== 'backoff') throw fault;
        request.onWait(fault.message);
        await this.#clock.sleep(backoff_ms(slotBackoff, attempt, this.#random()), request.signal);
      }
    }
  }

  async #tryAcquire(request: AcquireOptions): Promise<SourceSession> {
    const { url, slot, publication } = this.#options;
    const control = new ControlConnection(url, this.#applicationName);
    let made: Made | undefined;
    let stream: WalStream | undefined;
    try {
      const session = await control.session();
      const server = await readServer(session);
      requireDecoding(server);
      // Before the slot: it must see the publication, and be told of every later change of a shape.
      const announcing = await this.#prepare(session, server);
      const present = await readSlot(session, slot);
      if (present) checkSlot(present, server.database);
      else made = await this.#makeSlot(session, server, request);
      stream = await this.#openStream(session);
      return new PostgresSourceSession({
        url,
        applicationName: this.#applicationName,
        slot,
        publication: publication.name,
        serverVersion: server.version,
        temporaryFolder: this.#options.temporaryFolder,
        announcing,
        control,
        stream,
        ...(await this.#lookAtSlot(session)),
        created: made,
      });
    } catch (error) {
      // First: as long as it is there it holds the slot, for nobody.
      await stream?.close();
      if (made) await this.#unmake(control, made);
      await control.close();
      throw error;
    }
  }

  async #prepare(session: PgSession, server: ServerInfo): Promise<boolean> {
    const { name, create, tables } = this.#options.publication;
    const writable = !server.inRecovery;
    const mode = this.#options.ddlEvents ?? 'auto';
    const announcing = await ensureDdlTrigger(
      session,
      writable || mode === 'on' ? mode : 'off',
      this.#logger,
    );
    await ensurePublication(session, { name, create: create && writable, tables });
    return announcing;
  }

  /** Asked while our own walsender holds the slot (R7). */
  async #lookAtSlot(session: PgSession): Promise<{ readonly confirmed: Lsn; readonly wal: LeaderWal }> {
    const { slot } = this.#options;
    const held = await readSlot(session, slot);
    if (held?.confirmed == null)
      throw new Fault('MR-2005', { detail: `slot ${slot} vanished while it was being taken` });
    return { confirmed: held.confirmed, wal: await readWalEnd(session) };
  }

  async #openStream(session: PgSession): Promise<WalStream> {
    const { url, slot, publication } = this.#options;
    const source = createLibraryWalSource({
      url,
      applicationName: this.#applicationName,
      logger: this.#logger,
      patience: this.#patience,
    });
    try {
      return await source.open({
        slot,
        options: {
          // Enough without streaming of transactions in progress, and the same on every server from 14 on.
          proto_version: '1',
          publication_names: quoteIdentifier(publication.name),
          // Watermarks and schema announcements are logical messages.
          messages: 'true',
        },
      });
    } catch (error) {
      const pid =
        error instanceof Fault && error.code === 'MR-2004'
          ? (await readSlot(session, slot))?.activePid
          : null;
      if (pid == null) throw error;
      throw new Fault('MR-2004', {
        detail: `slot ${slot} is held by ${await describeBackend(session, pid)}`,
        context: { slot, pid },
        cause: error,
      });
    }
  }

  async #makeSlot(session: PgSession, server: ServerInfo, request: AcquireOptions): Promise<Made> {
    const { url, slot, publication } = this.#options;
    for (let attempt = 1; attempt <= slotAttempts_max; attempt++) {
      const exported = await this.#waiting(
        request,
        createExportedSlot({
          url,
          slot,
          applicationName: this.#applicationName,
          signal: request.signal,
        }),
      );
      try {
        const snapshot = await openInitialSnapshot(
          {
            url,
            applicationName: this.#applicationName,
            publication: publication.name,
            serverVersion: server.version,
          },
          exported,
          session,
        );
        if (snapshot) return { consistentPoint: exported.consistentPoint, snapshot };
      } catch (error) {
        await exported.close();
        await this.#dropSlot(session);
        throw error;
      }
      await exported.close();
      await this.#dropSlot(session);
      request.onWait('tables changed while the slot was being made; it is made anew');
    }
    throw new Fault('MR-2001', { detail: 'tables change too often to take a snapshot of them' });
  }

  async #waiting<T>(request: AcquireOptions, work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const notice = this.#clock.sleep(slotPatience_ms, done.signal).then(() => {
      if (!done.signal.aborted)
        request.onWait('for the transactions that run on the leader to end: the slot begins after them');
    });
    try {
      return await work;
    } finally {
      done.abort();
      await notice;
    }
  }

  /** A slot that nobody read yet is dropped again, or the next try would find it without its snapshot. */
  async #unmake(control: ControlConnection, made: Made): Promise<void> {
    await made.snapshot.close();
    try {
      await this.#dropSlot(await control.session());
    } catch (error) {
      this.#logger.warn({ err: error, slot: this.#options.slot }, 'the new slot could not be dropped again');
    }
  }

  async #dropSlot(session: PgSession): Promise<void> {
    await session.query(
      'dropping the new slot again',
      `SELECT pg_catalog.pg_drop_replication_slot(${quoteLiteral(this.#options.slot)})`,
    );
  }
}
