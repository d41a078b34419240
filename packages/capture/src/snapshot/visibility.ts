import type { Visibility } from '../source.js';

const wrap = 0x1_0000_0000n;

/** The 64-bit transaction id nearest to `near` whose lower half the stream sent. */
export function fullXid(xid: number, near: bigint): bigint {
  const low = BigInt(xid >>> 0);
  const candidate = (near & ~(wrap - 1n)) | low;
  if (candidate > near + wrap / 2n && candidate >= wrap) return candidate - wrap;
  if (candidate + wrap / 2n < near) return candidate + wrap;
  return candidate;
}

/** Whether the snapshot sees what transaction `xid` committed. `inProgress` as a set for speed. */
export function isVisible(xid: bigint, { xmin, xmax }: Visibility, inProgress: ReadonlySet<bigint>): boolean {
  if (xid < xmin) return true;
  return xid < xmax && !inProgress.has(xid);
}

/** Which transactions the stream has delivered, as known at a window's HIGH. */
export interface StreamedXids {
  /** Committed in the stream before LOW, since the recording began; those visible to an earlier chunk's snapshot left out. */
  readonly beforeLow: Iterable<number>;
  /** Committed in the stream between LOW and HIGH. */
  readonly inWindow: ReadonlySet<number>;
  /**
   * Transaction of the first LOW after the recording began: whatever was streamed before the recording has a smaller id, because
   * its commit was written before that transaction was begun.
   */
  readonly recordedFrom: number;
  /** The recording had to forget ids for want of memory. */
  readonly overflowed: boolean;
}

export type WindowVerdict =
  | { readonly usable: true }
  /** The chunk is discarded and read again. */
  | { readonly usable: false; readonly reason: string };

/**
 * R36: the order of commit records is not the order of visibility. A commit that waits for a synchronous standby is in the
 * stream, yet a read does not see it; if it was streamed before LOW, its change is neither in the chunk nor in the window.
 *
 * What was streamed before the recording began (by an earlier epoch, say) is not known by id. So a transaction that was in progress
 * for the read, is older than the recording and did not commit within the window may be one of those: wait until it is gone.
 */
export function windowVerdict(visibility: Visibility, xids: StreamedXids): WindowVerdict {
  if (xids.overflowed) return { usable: false, reason: 'too many transactions committed during the window' };
  const inProgress = new Set(visibility.inProgress);
  for (const xid of xids.beforeLow)
    if (!isVisible(fullXid(xid, visibility.xmax), visibility, inProgress))
      return {
        usable: false,
        reason: `transaction ${xid} committed before the window but was not visible yet`,
      };
  const recordedFrom = fullXid(xids.recordedFrom, visibility.xmax);
  for (const xid of inProgress)
    if (xid < recordedFrom && !xids.inWindow.has(Number(xid & (wrap - 1n))))
      return { usable: false, reason: `transaction ${xid} was open before the window and has not ended` };
  return { usable: true };
}
