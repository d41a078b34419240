import type { SeenWorker } from '@millrace/follower';

/** Workers that count as alive: those that said something lately. */
export const living = (seen: readonly SeenWorker[], silence_ms_max: number): SeenWorker[] =>
  seen.filter(({ silence_ms }) => silence_ms < silence_ms_max);

/** Workers that are to be taken out: silent for too long. */
export const silent = (seen: readonly SeenWorker[], silence_ms_max: number): SeenWorker[] =>
  seen.filter(({ silence_ms }) => silence_ms >= silence_ms_max);

/** Whether a worker of a follower in transactional mode works or stands by. */
export type Seat =
  /** Nobody alive is active, and nobody alive came earlier: take the follower over. */
  { readonly kind: 'active' } | { readonly kind: 'standby'; readonly behind: SeenWorker };

/**
 * The seat of worker `me`. A hint for liveness: two that see it differently fence each other, which costs a takeover and
 * never a row (R21, R22). Among those who wait the one who came first is next, so that only one tries.
 */
export function seatOf(me: string, seen: readonly SeenWorker[], silence_ms_max: number): Seat {
  const alive = living(seen, silence_ms_max).filter(({ id }) => id !== me);
  const active = alive.find((worker) => worker.active);
  if (active) return { kind: 'standby', behind: active };
  const own = seen.find(({ id }) => id === me);
  const first = alive.reduce<SeenWorker | undefined>(
    (least, worker) => (least && least.rank < worker.rank ? least : worker),
    undefined,
  );
  if (!first || (own && own.rank < first.rank)) return { kind: 'active' };
  return { kind: 'standby', behind: first };
}
