import { readFileSync } from 'node:fs';
import { Fault } from '@millrace/runtime';

/** libpq's words: https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** How one try of a connection is encrypted. Structurally what `pg` and node:tls take. */
export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Replaces the check of the certificate's host name. */
  readonly checkServerIdentity?: () => undefined;
}

/** A parsed connection URL. Fields that are absent follow libpq's defaults (PGUSER, PGPASSWORD, ~/.pgpass …). */
export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly connectTimeout_ms: number;
  readonly sslMode: SslMode;
  /** Tried in this order; `false` is unencrypted. One entry unless the mode is `allow` or `prefer`. */
  readonly tls: readonly (TlsSettings | false)[];
}

const defaultPort = 5432;
const defaultConnectTimeout_ms = 10_000;
const sslModes: readonly string[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const knownParameters = new Set([
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'connect_timeout',
  'application_name',
]);

const invalid = (what: string): Fault =>
  new Fault('MR-1003', {
    detail: `not a PostgreSQL URL: ${what}`,
    remedy: 'Write it as postgresql://user:password@host:5432/database?sslmode=verify-full.',
  });

/**
 * Parses `postgresql://user:password@host:port/database?sslmode=…`. sslmode has libpq's meaning, its default included:
 * `prefer` (encrypt if the server can, without checking who it is); only `verify-ca` and `verify-full`, or `require`
 * with sslrootcert, check the certificate. Unix sockets: `?host=/run/postgresql`. Throws MR-1003; never quotes the
 * URL, which may hold a password.
 */
export function parsePostgresUrl(text: string): PostgresTarget {
  const url = parseUrl(text);
  for (const name of url.searchParams.keys())
    if (!knownParameters.has(name)) throw invalid(`unknown parameter "${name}"`);
  const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;

  const host = parameter('host') ?? (decode(url.hostname.replace(/^\[|\]$/g, '')) || 'localhost');
  if (host.includes(',')) throw invalid('several hosts; name the one that accepts writes');
  const user = parameter('user') ?? (decode(url.username) || undefined);
  const password = parameter('password') ?? (decode(url.password) || undefined);
  const database = parameter('dbname') ?? (decode(url.pathname.slice(1)) || undefined);
  const timeout_s = parameter('connect_timeout');
  const onSocket = host.startsWith('/');
  const sslMode = parseSslMode(parameter('sslmode'), onSocket);
  return {
    host,
    port: parsePort(parameter('port') ?? url.port),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    connectTimeout_ms: timeout_s === undefined ? defaultConnectTimeout_ms : parseTimeout(timeout_s),
    sslMode,
    tls: tlsAttempts(sslMode, {
      ...readable('ca', parameter('sslrootcert')),
      ...readable('cert', parameter('sslcert')),
      ...readable('key', parameter('sslkey')),
    }),
  };
}

/** `host:port/database`, for messages: no user, no password. */
export function describeTarget(target: PostgresTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${host}:${target.port}/${target.database ?? ''}`;
}

function parseUrl(text: string): URL {
  if (!/^postgres(ql)?:\/\//.test(text)) throw invalid('it does not begin with postgresql://');
  try {
    return new URL(text);
  } catch {
    throw invalid('it cannot be parsed (are special characters in the password percent-encoded?)');
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('a percent sign is not followed by two hexadecimal digits');
  }
}

function parsePort(text: string): number {
  if (text === '') return defaultPort;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw invalid(`"${text}" is not a port`);
  return port;
}

/** libpq: whole seconds, 0 waits without limit, and less than two means two. */
function parseTimeout(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw invalid(`connect_timeout "${text}" is not a number of seconds`);
  const seconds = Number(text);
  return seconds === 0 ? 0 : Math.max(2, seconds) * 1000;
}

function parseSslMode(text: string | undefined, onSocket: boolean): SslMode {
  // A Unix socket never carries TLS, as in libpq.
  if (onSocket) return 'disable';
  if (text === undefined) return 'prefer';
  if (!sslModes.includes(text)) throw invalid(`sslmode "${text}" is none of ${sslModes.join(', ')}`);
  return text as SslMode;
}

function readable<K extends string>(name: K, path: string | undefined): Partial<Record<K, string>> {
  // `system` means the system's own authorities, which node trusts by default.
  if (path === undefined || path === 'system') return {};
  try {
    return { [name]: readFileSync(path, 'utf8') } as Record<K, string>;
  } catch (cause) {
    throw new Fault('MR-1003', { detail: `the TLS file ${path} of a connection URL cannot be read`, cause });
  }
}

function tlsAttempts(
  mode: SslMode,
  files: { ca?: string; cert?: string; key?: string },
): readonly (TlsSettings | false)[] {
  const unverified: TlsSettings = { ...files, rejectUnauthorized: false };
  const chainOnly: TlsSettings = { ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unverified];
    case 'prefer':
      return [unverified, false];
    case 'require':
      // libpq: with a root certificate at hand, `require` is `verify-ca`.
      return [files.ca === undefined ? unverified : chainOnly];
    case 'verify-ca':
      return [chainOnly];
    case 'verify-full':
      return [{ ...files, rejectUnauthorized: true }];
  }
}
