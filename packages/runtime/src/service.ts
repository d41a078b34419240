import type { Clock } from './clock.js';
import type { Logger } from './logger.js';

/**
 * The one lifecycle shape: `run` works until `signal` aborts (then it resolves after a clean stop, bounded in time)
 * or a fault ends it (then it rejects with that fault). A service owns its timers and connections and
 * releases them before `run` settles. It runs once.
 */
export interface Service {
  run(signal: AbortSignal): Promise<void>;
}

/** What every service needs from outside. */
export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1); simulations pass a seeded one. */
  readonly random: () => number;
}
