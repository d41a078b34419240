import { covers, type Lsn, lsnZero, minLsn, type Position, type Row } from '@millrace/model';
import { type ForkVerdict, forkVerdict } from './epoch/fork.js';
import { type WalVerdict, walVerdict } from './epoch/put-back.js';
import { overlay, type WindowEvent } from './snapshot/overlay.js';
import { type StreamedXids, type WindowVerdict, windowVerdict } from './snapshot/visibility.js';
import type { LeaderIdentity, LeaderWal, Visibility, Watermark } from './source.js';

export interface SlotCheck {
  /** The slot's confirmed LSN, read while our own walsender holds it. */
  readonly confirmed: Lsn;
  readonly resume: Position;
  /** No `open` counts yet. */
  readonly empty: boolean;
  /** This session has just made the slot. */
  readonly created: boolean;
}

/** R7 and §4 CHECK. */
export type SlotVerdict = 'continue' | 'first-open' | 'adopt-slot' | 'slot-ahead' | 'slot-recreated';

export interface PartitionCheck {
  /** Last offset that a counting record covers, −1 for none. */
  readonly covered: bigint;
  /** Undefined: the topic is gone. */
  readonly watermarks: { readonly low: bigint; readonly high: bigint } | undefined;
}

export interface CutRequest {
  readonly bytes: number;
  readonly events: number;
  /** Nothing is being published and nothing waits. */
  readonly idle: boolean;
  readonly limits: { readonly batch_bytes: number; readonly batch_events: number };
}

export interface Acknowledgement {
  /** `to` of the newest own record that was read back and counts. */
  readonly readBack: Position;
  /** `to` of the newest own record that the log acknowledged. */
  readonly acknowledged: Position;
}

/**
 * Every decision of the capture as a pure function, in one object, so that the simulation can replace a single rule by a double
 * and prove that it would notice.
 */
export interface CaptureDecisions {
  /** The epoch to claim after the one read. */
  nextEpoch(epoch: number): number;
  /** R6: where to resume, of the chain at READ and at the own claim. */
  resumeFrom(chain: { readonly atRead: Position; readonly atClaim: Position }): Position;
  /** R7. */
  slotVerdict(check: SlotCheck): SlotVerdict;
  /** §4 CHECK: every partition's end is at or beyond the last covered offset. */
  partitionVerdict(check: PartitionCheck): 'fine' | 'recreated' | 'rewound';
  /** §8. */
  forkVerdict(stored: LeaderIdentity, present: LeaderIdentity, to: Position): ForkVerdict;
  /** §8: whether the leader's WAL holds what was published up to `at`. */
  walVerdict(wal: LeaderWal, at: Position): WalVerdict;
  /** R1: true when the commit is covered already and its transaction is dropped. */
  isCovered(resume: Position, commit: Lsn): boolean;
  /** R2, R8: the LSN to confirm as flushed. */
  flushed(acknowledgement: Acknowledgement): Lsn;
  /** R9: what is confirmed when `open` was read back; undefined: nothing. */
  confirmAtOpen(resume: Position): Lsn | undefined;
  /**
   * §11: apply = least position of the named followers (0 for one that is not exact, or of another log or history), at most
   * flush; 0 when none is named: nothing is known to be applied anywhere.
   */
  applied(flush: Lsn, followers: readonly Lsn[]): Lsn;
  /** R14. `uncovered`: something received before the keepalive is not covered yet. */
  mayRecordIdle(keepalive: Lsn, to: Position, uncovered: boolean): boolean;
  /** Whether the batch is cut at this commit. */
  shouldCut(request: CutRequest): boolean;
  /** R30: watermarks of other epochs are ignored. */
  isOwnWatermark(mark: Watermark, epoch: number): boolean;
  /** R36: whether a chunk read in this window may be used. */
  windowVerdict(visibility: Visibility, xids: StreamedXids): WindowVerdict;
  /** R29: the row as of HIGH, of the row read and one event of the window that the read did not see. */
  overlay(row: Row | undefined, event: WindowEvent): Row | undefined;
}

/** The decisions as the protocol has them. */
export const captureDecisions: CaptureDecisions = {
  nextEpoch: (epoch) => epoch + 1,

  resumeFrom: ({ atClaim }) => atClaim,

  slotVerdict({ confirmed, resume, empty, created }) {
    // A slot that was there before the log has an `open`: a session died between making it and opening, or an operator made
    // it. Its stream is whole from its confirmed position on, and windows read what came before.
    if (empty) return created ? 'first-open' : 'adopt-slot';
    // Made by us, and yet the log has commits: made anew, unless the log passed the new slot's start while we slept.
    if (created) return confirmed >= resume.end ? 'slot-recreated' : 'continue';
    return confirmed > resume.end ? 'slot-ahead' : 'continue';
  },

  partitionVerdict({ covered, watermarks }) {
    if (!watermarks) return 'recreated';
    if (watermarks.high > covered) return 'fine';
    return watermarks.high === 0n ? 'recreated' : 'rewound';
  },

  forkVerdict,

  walVerdict,

  isCovered: (resume, commit) => covers(resume, commit),

  flushed: ({ readBack }) => readBack.end,

  confirmAtOpen: (resume) => resume.end,

  applied(flush, followers) {
    if (followers.length === 0) return lsnZero;
    return followers.reduce(minLsn, flush);
  },

  mayRecordIdle: (keepalive, to, uncovered) => keepalive > to.end && !uncovered,

  shouldCut: ({ bytes, events, idle, limits }) =>
    idle || bytes >= limits.batch_bytes || events >= limits.batch_events,

  isOwnWatermark: (mark, epoch) => mark.epoch === epoch,

  windowVerdict,

  overlay,
};
