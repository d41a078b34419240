export const sides = ['subject', 'peer'] as const;
export type Side = (typeof sides)[number];

/** One turn of a comparison: whose, in which pair. */
export interface Turn {
  readonly pair: number;
  readonly side: Side;
}

/** A B, B A, A B, …: whatever drifts over a run (heat, caches, neighbours) falls on both sides alike. */
export function turnsOf(pairs: number): Turn[] {
  return Array.from({ length: pairs }, (_, pair): Turn[] => {
    const order = pair % 2 === 0 ? sides : sides.toReversed();
    return order.map((side) => ({ pair, side }));
  }).flat();
}

/** Samples of both sides, the one of pair n at index n. */
export interface Pairs<T> {
  readonly subject: readonly T[];
  readonly peer: readonly T[];
}

/** Takes every turn in its order, one after another, and gathers what came out. The first failure ends it. */
export async function comparePairs<T>(pairs: number, take: (turn: Turn) => Promise<T>): Promise<Pairs<T>> {
  const samples = { subject: new Array<T>(pairs), peer: new Array<T>(pairs) };
  for (const turn of turnsOf(pairs)) samples[turn.side][turn.pair] = await take(turn);
  return samples;
}

/** Subject divided by peer, pair by pair. */
export function ratios({ subject, peer }: Pairs<number>): number[] {
  return subject.map((value, pair) => value / (peer[pair] ?? Number.NaN));
}
