/**
 * Settings that decide what a value's text looks like. The walsender formats the stream's values with its own session's
 * settings, so stream, snapshot and window connections all get the same ones, or rows would differ between them.
 * They travel in the startup packet's `options`, which wins over ALTER ROLE … SET and ALTER DATABASE … SET.
 */
const textFormSettings: readonly (readonly [string, string])[] = [
  ['DateStyle', 'ISO,MDY'],
  ['IntervalStyle', 'postgres'],
  ['extra_float_digits', '1'],
  ['bytea_output', 'hex'],
  ['TimeZone', 'UTC'],
  // money is written by this locale's rules.
  ['lc_monetary', 'C'],
  // Empty: regclass, regtype and format_type() write fully qualified names, the same for every role.
  ['search_path', ''],
  ['standard_conforming_strings', 'on'],
];

/** Settings under which our own statements mean the same on every server. */
const behaviourSettings: readonly (readonly [string, string])[] = [
  // Row-level security must fail loudly rather than leave rows out (promise 1).
  ['row_security', 'off'],
  // Catalogue queries look expensive to the planner; compiling them costs more than running them.
  ['jit', 'off'],
];

export interface TimeoutSettings {
  /** 0 (default): none. */
  readonly statementTimeout_ms?: number;
  /** For liveness only, so that a paused process does not hold locks for ever (R22). 0 (default): none. */
  readonly idleInTransactionTimeout_ms?: number;
  /** 0 (default): none. */
  readonly lockTimeout_ms?: number;
}

/** The startup packet's `options`: `-c name=value …`, blanks and backslashes escaped as the server wants them. */
export function sessionOptions(
  timeouts: TimeoutSettings = {},
  extra: readonly (readonly [string, string])[] = [],
): string {
  const settings: (readonly [string, string])[] = [
    ...textFormSettings,
    ...behaviourSettings,
    ['statement_timeout', String(timeouts.statementTimeout_ms ?? 0)],
    ['idle_in_transaction_session_timeout', String(timeouts.idleInTransactionTimeout_ms ?? 0)],
    ['lock_timeout', String(timeouts.lockTimeout_ms ?? 0)],
    ...extra,
  ];
  return settings.map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`).join(' ');
}
