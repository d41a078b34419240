import type { EncodingContext, SnapshotMark } from '../port.js';
import { int64Text } from '../wire/int64.js';

/** What is the same in every event of a codec. */
export interface SourceConstants {
  readonly version: string;
  readonly connectorName: string;
  readonly database: string;
}

/** The time fields of an instant in microseconds: milliseconds rounded down, microseconds, nanoseconds. */
export function timesOf(instant_us: bigint): { ms: bigint; us: bigint; ns: bigint } {
  const remainder = ((instant_us % 1000n) + 1000n) % 1000n;
  return { ms: (instant_us - remainder) / 1000n, us: instant_us, ns: instant_us * 1000n };
}

/**
 * The start of `source.sequence`, a JSON array of the last commit's LSN and this event's, as Debezium prints them: signed
 * 64-bit decimal strings, or null.
 */
export function sequenceStart(context: EncodingContext): string {
  const { lastCommitHigh: high, lastCommitLow: low } = context;
  const last = high === -1 && low === -1 ? 'null' : `"${int64Text(high | 0, low >>> 0)}"`;
  return `[${last},`;
}

/** True when the event has no LSN of its own to tell: rows of a windowed snapshot. */
export const hasNoLsn = (context: EncodingContext): boolean => context.snapshot === 'incremental';

/** Remembers the last context by value, since callers reuse the object. */
export class ContextMemory {
  #known = false;
  #sourceTime_us = 0n;
  #processedAt_us = 0n;
  #xid = 0;
  #lastCommitHigh = 0;
  #lastCommitLow = 0;
  #snapshot: SnapshotMark = 'false';

  /** True when `context` differs from the one before. */
  changed(context: EncodingContext): boolean {
    if (
      this.#known &&
      this.#xid === context.xid &&
      this.#lastCommitLow === context.lastCommitLow &&
      this.#lastCommitHigh === context.lastCommitHigh &&
      this.#sourceTime_us === context.sourceTime_us &&
      this.#processedAt_us === context.processedAt_us &&
      this.#snapshot === context.snapshot
    )
      return false;
    this.#known = true;
    this.#xid = context.xid;
    this.#lastCommitLow = context.lastCommitLow;
    this.#lastCommitHigh = context.lastCommitHigh;
    this.#sourceTime_us = context.sourceTime_us;
    this.#processedAt_us = context.processedAt_us;
    this.#snapshot = context.snapshot;
    return true;
  }
}
