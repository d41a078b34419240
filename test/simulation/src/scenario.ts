import { Chance } from './chance.js';

/** What one run is like. Everything follows from the seed; a test may fix some of it. */
export interface Scenario {
  readonly seed: number;
  /** Virtual time during which load and faults go on, and then the time to recover. */
  readonly trouble_ms: number;
  readonly recovery_ms: number;
  readonly clients: number;
  /** Average pause between two transactions of a client. */
  readonly pause_ms: number;
  readonly followers: number;
  readonly partitions: number;
  /** The log checks fences in its writes, as the embedded one does; else late records land and are void. */
  readonly conditionalLog: boolean;
  /** First WAL position: small, beyond 2^53, beyond 2^63. */
  readonly startLsn: bigint;
  /** The slot was made before the first row, by an operator; else capture makes it, and reads what is there first. */
  readonly slotFirst: boolean;
  /** Transactions that stand before the capture first starts. */
  readonly history: number;
  /** Probability of a fault per append, per follower call, per passage of a process. */
  readonly append: number;
  readonly store: number;
  readonly crash: number;
  /** Average pause between two deeds of the nemesis; 0: none. */
  readonly nemesis_ms: number;
  readonly deeds: readonly Deed[];
  /** Done when all is quiet and equal, after which it must become so again: what nobody would notice while nothing happens. */
  readonly finale: Deed | undefined;
  /** Batches are cut at this many events, so that one run has many records. */
  readonly batch_events: number;
  /** Transactions beyond this are appended in parts, so that one record has many requests. */
  readonly part_bytes: number;
  /** How often capture trims progress records of a log that leaves it to capture; undefined: as seldom as it does by itself. */
  readonly trim_ms?: number;
}

/** What the nemesis may do. The last six destroy something: a typed stop is then allowed, wrong rows never. */
export type Deed =
  | 'kill-capture'
  | 'kill-applier'
  | 'pause-capture'
  | 'pause-applier'
  | 'second-capture'
  | 'second-applier'
  | 'cut-leader'
  | 'crash-leader'
  | 'restart-store'
  | 'restore-follower'
  | 'resync-follower'
  | 'add-follower'
  | 'recreate-slot'
  | 'fail-over'
  | 'restore-log'
  | 'trim-log'
  | 'recreate-topic'
  | 'lose-events';

export const harmlessDeeds: readonly Deed[] = [
  'kill-capture',
  'kill-applier',
  'pause-capture',
  'pause-applier',
  'second-capture',
  'second-applier',
  'cut-leader',
  'crash-leader',
  'restart-store',
  'restore-follower',
  'resync-follower',
  'add-follower',
];

const destructiveDeeds: readonly Deed[] = [
  'recreate-slot',
  'fail-over',
  'restore-log',
  'trim-log',
  'recreate-topic',
  'lose-events',
];

const startLsns = [0x0150_0000n, 2n ** 53n - 4096n, 2n ** 63n - 4096n] as const;

export function scenarioOf(seed: number, fixed: Partial<Scenario> = {}): Scenario {
  const chance = new Chance(seed);
  const weather = chance.pick([0, 0.02, 0.08]);
  return {
    seed,
    trouble_ms: chance.between(200, 1_000),
    recovery_ms: 120_000,
    clients: chance.between(1, 3),
    pause_ms: chance.pick([15, 40, 100]),
    followers: chance.between(1, 2),
    partitions: chance.between(1, 3),
    conditionalLog: chance.happens(0.3),
    startLsn: chance.pick(startLsns),
    slotFirst: chance.happens(0.3),
    history: chance.pick([0, 5, 20]),
    append: weather,
    store: chance.pick([0, 0.01, 0.05]),
    crash: chance.pick([0, 0.001, 0.005]),
    nemesis_ms: chance.pick([0, 50, 150]),
    deeds: chance.happens(0.25) ? [...harmlessDeeds, chance.pick(destructiveDeeds)] : harmlessDeeds,
    finale: chance.pick([undefined, undefined, 'restore-follower', 'kill-capture', 'crash-leader'] as const),
    batch_events: chance.pick([2, 10, 1_000]),
    part_bytes: chance.pick([150, 1_000_000]),
    ...fixed,
  };
}
