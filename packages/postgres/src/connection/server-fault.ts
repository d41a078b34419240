import { Fault, type FaultCode, type FaultContext } from '@millrace/runtime';

/** Which side of the pipeline a server stands on: the same SQLSTATE means another fault on each. */
export type ServerRole = 'leader' | 'follower';

/** What went wrong, whoever it happened to. */
export type ServerTrouble =
  | 'unavailable'
  | 'access'
  | 'tls'
  | 'disk-full'
  | 'busy-slot'
  | 'configuration'
  | 'conflict'
  | 'rejected'
  | 'unknown';

const byRole: Record<ServerRole, Record<ServerTrouble, FaultCode>> = {
  leader: {
    unavailable: 'MR-2001',
    access: 'MR-2002',
    tls: 'MR-2002',
    'disk-full': 'MR-2001',
    'busy-slot': 'MR-2004',
    configuration: 'MR-2003',
    conflict: 'MR-2001',
    rejected: 'MR-9001',
    unknown: 'MR-9001',
  },
  follower: {
    unavailable: 'MR-4001',
    access: 'MR-4002',
    tls: 'MR-4002',
    'disk-full': 'MR-4007',
    'busy-slot': 'MR-4001',
    configuration: 'MR-4001',
    conflict: 'MR-4001',
    rejected: 'MR-4006',
    unknown: 'MR-9001',
  },
};

/** Longest prefix first. Source: PostgreSQL documentation, appendix A. */
const bySqlState: readonly (readonly [string, ServerTrouble])[] = [
  ['42501', 'access'],
  ['3D000', 'access'],
  ['53100', 'disk-full'],
  ['53400', 'configuration'],
  ['55006', 'busy-slot'],
  ['55P03', 'conflict'],
  ['57014', 'conflict'],
  ['40', 'conflict'],
  ['25P03', 'unavailable'],
  ['25006', 'unavailable'],
  ['57P', 'unavailable'],
  ['08', 'unavailable'],
  ['53', 'unavailable'],
  ['28', 'access'],
  ['22', 'rejected'],
  ['23', 'rejected'],
  ['42', 'rejected'],
  ['0A', 'rejected'],
  ['44', 'rejected'],
  ['P0', 'rejected'],
];

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

const brokenConnection =
  /connection terminated|timeout expired|client was closed|not queryable|connection ended|stream.*destroyed|write after end/i;
const tlsTrouble = /\bSSL\b|\bTLS\b|certificate|altnames|self.signed/i;
const missingPassword = /password must be a string|SASL|SCRAM/i;

function fieldOf(error: unknown, name: 'code' | 'message' | 'severity'): string {
  const value =
    typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : '';
}

/** SQLSTATE of a server's error; undefined for errors that did not come from the server. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof Fault ? error.cause : error;
  const code = fieldOf(cause, 'code');
  return /^[0-9A-Z]{5}$/.test(code) && fieldOf(cause, 'severity') !== '' ? code : undefined;
}

/** Sorts an error of `pg` or of the network. */
export function troubleOf(error: unknown): ServerTrouble {
  const state = sqlStateOf(error);
  const message = fieldOf(error, 'message');
  if (state !== undefined) {
    if (state === '55000' && /wal_level/.test(message)) return 'configuration';
    return bySqlState.find(([prefix]) => state.startsWith(prefix))?.[1] ?? 'unknown';
  }
  if (networkCodes.has(fieldOf(error, 'code')) || brokenConnection.test(message)) return 'unavailable';
  // Several addresses tried and all failed: node wraps the reasons.
  if (error instanceof AggregateError && error.errors.length > 0) return troubleOf(error.errors[0]);
  if (missingPassword.test(message)) return 'access';
  if (tlsTrouble.test(message) || /^ERR_(TLS|SSL)/.test(fieldOf(error, 'code'))) return 'tls';
  return 'unknown';
}

/**
 * Turns an error of a server or its connection into a fault. `doing` completes "while …": `reading the catalogue`.
 * Faults pass through. The server's DETAIL is left out on purpose: it can hold row values.
 */
export function serverFault(
  role: ServerRole,
  error: unknown,
  doing: string,
  context: FaultContext = {},
): Fault {
  if (error instanceof Fault) return error;
  const trouble = troubleOf(error);
  const state = sqlStateOf(error);
  const words = fieldOf(error, 'message') || firstMessage(error) || String(error);
  return new Fault(byRole[role][trouble], {
    detail: `while ${doing}: ${words}${state === undefined ? '' : ` (SQLSTATE ${state})`}`,
    context: { ...context, ...(state === undefined ? {} : { sqlstate: state }) },
    cause: error,
    ...remedyOf(trouble, state),
  });
}

/** A remedy that fits better than the catalogue's, which speaks of all refusals at once. */
function remedyOf(trouble: ServerTrouble, state: string | undefined): { readonly remedy?: string } {
  if (trouble === 'tls')
    return {
      remedy: 'Check sslmode and sslrootcert in the URL against the server’s certificate and settings.',
    };
  if (trouble !== 'access') return {};
  if (state === undefined) return { remedy: 'Give a password in the URL that the configuration names.' };
  if (state.startsWith('28'))
    return {
      remedy: 'Correct user and password in the configuration, or the role and pg_hba.conf on the server.',
    };
  return state === '3D000' ? { remedy: 'Create the database, or correct its name in the URL.' } : {};
}

function firstMessage(error: unknown): string {
  return error instanceof AggregateError ? fieldOf(error.errors[0], 'message') : '';
}
