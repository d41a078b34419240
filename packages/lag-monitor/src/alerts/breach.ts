import type { Instant } from '../instant.js';

/**
 * One watched condition. Pure and total: every state answers every reading.
 *
 *            over for `for_ms`              at or under the clear level
 *   quiet ──▶ pending ──────────▶ firing ──────────────▶ clearing ── for `clearFor_ms` ──▶ quiet
 *      ◀── not over                  ◀──────── above it again ───┘
 *
 * A reading that is unknown never moves anything: the dead-man's alert speaks for it.
 */
export type Breach =
  | { readonly kind: 'quiet' }
  /** Over, not long enough yet. */
  | { readonly kind: 'pending'; readonly since: Instant; readonly samples: number }
  /** Said once; survives a restart of the monitor. */
  | { readonly kind: 'firing'; readonly since: Instant; readonly samples: number }
  /** Under the clear level, not long enough yet; survives a restart. */
  | {
      readonly kind: 'clearing';
      readonly since: Instant;
      readonly samples: number;
      readonly under: Instant;
    };

/** `between`: not over, but not under the clear level either. */
export type Reading = 'over' | 'between' | 'under' | 'unknown';

export interface BreachRule {
  readonly for_ms: number;
  readonly clearFor_ms: number;
}

export interface BreachStep {
  readonly state: Breach;
  /** What to say, at most once per breach. */
  readonly say?: 'fired' | 'resolved';
}

export const quiet: Breach = { kind: 'quiet' };

type Table = {
  readonly [K in Breach['kind']]: {
    readonly [R in Reading]: (
      state: Extract<Breach, { kind: K }>,
      now: Instant,
      rule: BreachRule,
    ) => BreachStep;
  };
};

const stay = (state: Breach): BreachStep => ({ state });
const calm = (): BreachStep => ({ state: quiet });

function overFor(since: Instant, samples: number, now: Instant, rule: BreachRule): BreachStep {
  if (now.monotonic_ms - since.monotonic_ms < rule.for_ms)
    return { state: { kind: 'pending', since, samples } };
  return { state: { kind: 'firing', since, samples }, say: 'fired' };
}

const table: Table = {
  quiet: {
    over: (_, now, rule) => overFor(now, 1, now, rule),
    between: stay,
    under: stay,
    unknown: stay,
  },
  pending: {
    over: (state, now, rule) => overFor(state.since, state.samples + 1, now, rule),
    between: calm,
    under: calm,
    unknown: stay,
  },
  firing: {
    over: (state) => stay({ ...state, samples: state.samples + 1 }),
    between: stay,
    under: (state, now, rule) => underFor({ ...state, kind: 'clearing', under: now }, now, rule),
    unknown: stay,
  },
  clearing: {
    over: ({ since, samples }) => stay({ kind: 'firing', since, samples: samples + 1 }),
    between: ({ since, samples }) => stay({ kind: 'firing', since, samples }),
    under: underFor,
    unknown: stay,
  },
};

function underFor(state: Extract<Breach, { kind: 'clearing' }>, now: Instant, rule: BreachRule): BreachStep {
  if (now.monotonic_ms - state.under.monotonic_ms < rule.clearFor_ms) return { state };
  return { state: quiet, say: 'resolved' };
}

/** The next state and what to say. */
export function stepBreach(state: Breach, reading: Reading, now: Instant, rule: BreachRule): BreachStep {
  switch (state.kind) {
    case 'quiet':
      return table.quiet[reading](state, now, rule);
    case 'pending':
      return table.pending[reading](state, now, rule);
    case 'firing':
      return table.firing[reading](state, now, rule);
    case 'clearing':
      return table.clearing[reading](state, now, rule);
  }
}

/** Where a value stands against a level with hysteresis. */
export function readingOf(value: number | undefined, level: number, clearRatio: number): Reading {
  if (value === undefined) return 'unknown';
  if (value > level) return 'over';
  return value <= level * clearRatio ? 'under' : 'between';
}

/** True while the condition has been said and not taken back. */
export const isFiring = (state: Breach): boolean => state.kind === 'firing' || state.kind === 'clearing';
