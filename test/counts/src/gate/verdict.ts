/** What a count was compared with, and how it came out. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'grew' | 'fell'; readonly from: number; readonly to: number };

export interface Tolerance {
  /** Share of the accepted count by which it may grow. */
  readonly grow: number;
  /** … and fall, before the gain must be written down. */
  readonly fall: number;
  /** Differences below this are none, in the count's own unit. */
  readonly least: number;
}

/** On a runtime whose counts were accepted: they repeat to the byte, compilers of other machines differ a little. */
export const exact: Tolerance = { grow: 0.03, fall: 0.08, least: 1 };

/** On a runtime nobody accepted counts for: its compiler keeps other temporary objects off the heap. */
export const foreign: Tolerance = { grow: 0.5, fall: 1, least: 32 };

export function judge(accepted: number | undefined, found: number, tolerance: Tolerance): Verdict {
  if (accepted === undefined) return { kind: 'unknown' };
  const { grow, fall, least } = tolerance;
  if (found - accepted > Math.max(accepted * grow, least)) return { kind: 'grew', from: accepted, to: found };
  if (accepted - found > Math.max(accepted * fall, least)) return { kind: 'fell', from: accepted, to: found };
  return { kind: 'accepted' };
}

const remedy = 'To accept: pnpm --filter @millrace/counts accept';

/** Undefined: nothing to say. */
export function complaint(what: string, verdict: Verdict): string | undefined {
  switch (verdict.kind) {
    case 'accepted':
      return undefined;
    case 'unknown':
      return `${what} has no accepted count. ${remedy}`;
    case 'grew':
      return `${what} grew from ${verdict.from} to ${verdict.to}. Find what is made anew, or: ${remedy}`;
    case 'fell':
      return `${what} fell from ${verdict.from} to ${verdict.to}: a gain, to be kept. ${remedy}`;
  }
}
