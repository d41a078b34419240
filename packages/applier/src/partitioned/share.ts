import type { SeenWorker } from '@millrace/follower';

/** What a worker is to do about its partitions. */
export interface ShareChange {
  /** To be given up, so that others find them free. */
  readonly release: readonly number[];
  /** Free ones to be taken. */
  readonly claim: readonly number[];
}

/**
 * The fair share of worker `me`: the partitions divided by the workers alive, those who came first taking one more of what is
 * left over. Workers keep what they have as far as they may, so that a change of membership moves few partitions. A hint like every
 * other: two that claim the same partition fence one another there, and no row is written twice (R21).
 */
export function planShare(me: string, alive: readonly SeenWorker[], count: number): ShareChange {
  const ranked = [...alive].sort((a, b) => a.rank - b.rank);
  const quotas = ranked.map((_, i) => quotaOf(i, ranked.length, count));
  const own = ranked.findIndex(({ id }) => id === me);
  if (own < 0) return nothing;
  const held = heldBy(ranked[own] as SeenWorker);
  const quota = quotas[own] as number;
  if (held.length > quota) return { release: held.slice(quota), claim: [] };
  const taken = new Set(ranked.flatMap(heldBy));
  const free = Array.from({ length: count }, (_, partition) => partition).filter((p) => !taken.has(p));
  // Those before us in rank take the first free ones: two that look at the same time claim different ones.
  const before = ranked
    .slice(0, own)
    .reduce((sum, worker, i) => sum + Math.max(0, (quotas[i] as number) - heldBy(worker).length), 0);
  return { release: [], claim: free.slice(before, before + quota - held.length) };
}

const nothing: ShareChange = { release: [], claim: [] };
const heldBy = ({ partitions }: SeenWorker): number[] => [...partitions].sort((a, b) => a - b);
const quotaOf = (rank: number, workers: number, count: number): number =>
  Math.floor(count / workers) + (rank < count % workers ? 1 : 0);
