import { Socket, type SocketConstructorOpts } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Fault } from '@millrace/runtime';
import pg from 'pg';
import { type ServerRole, serverFault, troubleOf } from './server-fault.js';
import { sessionOptions, type TimeoutSettings } from './session-settings.js';
import { describeTarget, type PostgresTarget, parsePostgresUrl, type TlsSettings } from './target.js';

/** The driver's client, for what a session does not cover (COPY streams, pipelining). */
export type PgClient = pg.Client;

export interface SessionOptions extends TimeoutSettings {
  readonly role: ServerRole;
  /** Overrides the default `millrace`. At most 63 bytes are kept by the server. */
  readonly applicationName?: string;
  /** Several statements on the wire at once (pg's pipeline mode). */
  readonly pipeline?: boolean;
  /** Further settings for the session, after the fixed ones. */
  readonly settings?: readonly (readonly [string, string])[];
}

/** A row as text, by column name; null for NULL. Nothing is parsed: numbers keep every digit (promise 8). */
export type TextRow = Readonly<Record<string, string | null>>;

const asText = { getTypeParser: () => (value: string) => value };
const keepAliveDelay_ms = 10_000;

/**
 * A paused socket goes on reading until its stream holds this much. One byte: it stops at once, so that small writes of
 * the server gather in the kernel instead of waking us one by one. A socket that flows is not affected.
 */
const paused_bytes_max = 1;
const makeSocket = (): Socket =>
  new Socket({ readableHighWaterMark: paused_bytes_max } as SocketConstructorOpts);

/** What `pg` needs to connect to `target` in one of its TLS ways. */
export function clientConfig(
  target: PostgresTarget,
  tls: TlsSettings | false,
  options: SessionOptions,
): pg.ClientConfig {
  return {
    host: target.host,
    port: target.port,
    ...(target.user === undefined ? {} : { user: target.user }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.database === undefined ? {} : { database: target.database }),
    stream: makeSocket,
    ssl: tls === false ? false : ({ ...tls, highWaterMark: paused_bytes_max } as ConnectionOptions),
    application_name: options.applicationName ?? 'millrace',
    client_encoding: 'UTF8',
    options: sessionOptions(options, options.settings),
    connectionTimeoutMillis: target.connectTimeout_ms,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelay_ms,
    types: asText as unknown as pg.CustomTypesConfig,
    ...(options.pipeline ? { pipeline: true } : {}),
  };
}

/**
 * Runs `attempt` with each way of encryption that the URL's sslmode allows, in libpq's order; the next one is tried
 * only when the server refused TLS (or demanded it), never after a refused certificate or password.
 */
export async function overTlsWays<T>(
  target: PostgresTarget,
  attempt: (tls: TlsSettings | false) => Promise<T>,
): Promise<T> {
  let last: unknown;
  for (const tls of target.tls) {
    try {
      return await attempt(tls);
    } catch (error) {
      last = error;
      const refusedTls = tls !== false && troubleOf(error) === 'tls';
      const demandsTls = tls === false && /no encryption|SSL off/i.test(String(error));
      if (!refusedTls && !demandsTls) throw error;
    }
  }
  throw last;
}

/** An ordinary SQL session with the fixed settings of `session-settings.ts`. */
export class PgSession {
  readonly client: PgClient;
  readonly target: PostgresTarget;
  readonly role: ServerRole;
  #broken: Fault | undefined;
  #closed = false;

  private constructor(client: PgClient, target: PostgresTarget, role: ServerRole) {
    this.client = client;
    this.target = target;
    this.role = role;
    // An idle connection that breaks reports here; without a listener it would end the process.
    client.on('error', (error) => {
      this.#broken ??= serverFault(role, error, `connected to ${describeTarget(target)}`);
    });
  }

  /** Throws MR-1003, MR-2001/4001 (unreachable), MR-2002/4002 (refused). */
  static async open(url: string, options: SessionOptions): Promise<PgSession> {
    const target = parsePostgresUrl(url);
    try {
      return await overTlsWays(target, async (tls) => {
        const client = new pg.Client(clientConfig(target, tls, options));
        const session = new PgSession(client, target, options.role);
        try {
          await client.connect();
        } catch (error) {
          // A failed handshake may leave the socket open.
          client.end().catch(() => undefined);
          throw error;
        }
        return session;
      });
    } catch (error) {
      throw serverFault(options.role, error, `connecting to ${describeTarget(target)}`);
    }
  }

  /** The fault that broke the connection, if one did. */
  get broken(): Fault | undefined {
    return this.#broken;
  }

  get usable(): boolean {
    return !this.#closed && this.#broken === undefined;
  }

  /** Runs one statement; `doing` completes "while …" in a fault. Parameters are sent as text. */
  async query(doing: string, sql: string, parameters: readonly (string | null)[] = []): Promise<TextRow[]> {
    if (this.#broken) throw this.#broken;
    try {
      // Without parameters: the simple protocol, which walsenders and multi-statement strings need.
      const result =
        parameters.length === 0
          ? await this.client.query<TextRow>(sql)
          : await this.client.query<TextRow>(sql, [...parameters]);
      // A string of several statements gives an array of results: the last one's rows are meant.
      const last = Array.isArray(result) ? (result.at(-1) as pg.QueryResult<TextRow>) : result;
      return last.rows;
    } catch (error) {
      const fault = serverFault(this.role, error, doing, { server: describeTarget(this.target) });
      if (troubleOf(error) === 'unavailable') this.#broken ??= fault;
      throw fault;
    }
  }

  /** The one row of a statement that gives exactly one. */
  async queryOne(doing: string, sql: string, parameters: readonly (string | null)[] = []): Promise<TextRow> {
    const rows = await this.query(doing, sql, parameters);
    if (rows.length !== 1)
      throw new Fault('MR-9001', { detail: `while ${doing}: ${rows.length} rows instead of one` });
    return rows[0] as TextRow;
  }

  /** Idempotent; does not wait for a server that no longer answers. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await endClient(this.client);
  }
}

const endGrace_ms = 1_000;

/** Ends a client; one that does not answer is cut off after a second. */
export async function endClient(client: PgClient): Promise<void> {
  const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const timer = setTimeout(() => stream.destroy(), endGrace_ms);
  // Whatever breaks while it ends is no news.
  client.on('error', () => undefined);
  try {
    await client.end();
  } catch {
    stream.destroy();
  } finally {
    clearTimeout(timer);
  }
}
