import type { Retention } from './options.js';

export interface Holds {
  /** No progress record from here on may go: the newest anchor, and under `hold` every follower's. Undefined: nothing may. */
  readonly before: bigint | undefined;
  /** Which follower sets it, when one does. */
  readonly heldBy?: string;
}

/**
 * Up to where the progress partition may be trimmed at all (pure). Without a written anchor nothing goes: a reader could not
 * start any more (R4). Its record itself stays, so that it can be verified.
 */
export function holdsOf(
  anchor: bigint | undefined,
  followers: readonly { readonly follower: string; readonly offset: bigint }[],
  policy: Retention['followers'],
): Holds {
  if (anchor === undefined) return { before: undefined };
  if (policy === 'drop') return { before: anchor };
  let before = anchor;
  let heldBy: string | undefined;
  for (const { follower, offset } of followers) {
    if (offset >= before) continue;
    before = offset < 0n ? 0n : offset;
    heldBy = follower;
  }
  return { before, ...(heldBy !== undefined && { heldBy }) };
}

export interface AgedRecord {
  readonly created_ms: number;
  readonly event_bytes: number;
  readonly record_bytes: number;
}

/** True when the oldest record, with its events, is beyond what is to be kept (pure). */
export function isBeyond(
  record: AgedRecord,
  used_bytes: number,
  now_ms: number,
  retention: Retention,
): boolean {
  const { bytes, age_ms } = retention;
  if (bytes !== undefined && used_bytes > bytes) return true;
  return age_ms !== undefined && record.created_ms < now_ms - age_ms;
}
