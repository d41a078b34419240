import { formatPosition, minLsn, type Position, samePosition, startOfHistory } from '@millrace/model';
import { Fault, type FaultCode } from '@millrace/runtime';
import type { Anchor, ClaimRecord, IntentRecord, OpenRecord, ProgressRecord } from './records.js';

/**
 * What a reader of the progress partition holds after a record that counts (log-protocol §3). The verdict on the next
 * record depends on this alone, so that it never changes and all readers agree (R4).
 */
export interface ChainState {
  /** Records of another log never count. */
  readonly logId: Uint8Array;
  /** Epoch of the last claim that counts; 0 before the first. */
  readonly epoch: number;
  readonly nonce: Uint8Array;
  /** Of the last counting record; 0 after a claim. */
  readonly seq: bigint;
  /** Up to which position the chain's records cover the leader's commits; `0:0/0` before the first `open`. */
  readonly to: Position;
  /** Offset of the last counting record; −1 before the first. */
  readonly offset: bigint;
}

export type Verdict =
  | { readonly verdict: 'counts'; readonly state: ChainState }
  /** Written by a superseded, or another log's, capture: never counts, changes nothing (promise 6). */
  | { readonly verdict: 'void' }
  /** The same record once more: a repeated request. */
  | { readonly verdict: 'duplicate' };

const nonce_bytes = 16;
const noVerdict = { void: { verdict: 'void' }, duplicate: { verdict: 'duplicate' } } as const;

export const startOfChain = (logId: Uint8Array): ChainState => ({
  logId,
  epoch: 0,
  nonce: new Uint8Array(nonce_bytes),
  seq: 0n,
  to: startOfHistory,
  offset: -1n,
});

export const chainFromAnchor = (logId: Uint8Array, anchor: Anchor): ChainState => ({
  logId,
  epoch: anchor.epoch,
  nonce: anchor.nonce,
  seq: anchor.seq,
  to: anchor.position,
  offset: anchor.offset,
});

/** The anchor that names the state's last counting record. */
export const anchorOf = (state: ChainState): Anchor => ({
  offset: state.offset,
  epoch: state.epoch,
  nonce: state.nonce,
  seq: state.seq,
  position: state.to,
});

/** True once an `open` counted: before that, the chain has no position yet. */
export const isOpened = (state: ChainState): boolean => !samePosition(state.to, startOfHistory);

/**
 * Judges the record at `offset`, the next one after those that led to `state`. Throws MR-3001 (LogHole) when a record
 * that must stand between is missing, MR-3002 (ChainBroken) when it does not continue where the chain stands.
 */
export function judge(state: ChainState, offset: bigint, record: ProgressRecord): Verdict {
  if (!sameBytes(record.logId, state.logId)) return noVerdict.void;
  switch (record.kind) {
    case 'claim':
      return judgeClaim(state, offset, record);
    case 'intent':
      return noVerdict.void;
    default:
      return judgeStep(state, offset, record);
  }
}

/** R3: a claim is a compare-and-set on its predecessor's epoch, decided by the log's order; the nonce separates equal proposals. */
function judgeClaim(state: ChainState, offset: bigint, record: ClaimRecord): Verdict {
  if (record.epoch > state.epoch + 1)
    throw fault('MR-3001', state, offset, `a claim of epoch ${record.epoch}`);
  if (record.epoch <= state.epoch) {
    const repeated = record.epoch === state.epoch && sameBytes(record.nonce, state.nonce);
    return repeated ? noVerdict.duplicate : noVerdict.void;
  }
  if (record.seq !== 0n) throw fault('MR-3002', state, offset, `a claim with seq ${record.seq}`);
  return counts(state, offset, record, state.to);
}

function judgeStep(
  state: ChainState,
  offset: bigint,
  record: Exclude<ProgressRecord, ClaimRecord | IntentRecord>,
): Verdict {
  if (record.epoch > state.epoch) throw fault('MR-3001', state, offset, `a record of epoch ${record.epoch}`);
  if (record.epoch < state.epoch || !sameBytes(record.nonce, state.nonce)) return noVerdict.void;
  if (record.seq <= state.seq) return noVerdict.duplicate;
  if (record.seq > state.seq + 1n) throw fault('MR-3001', state, offset, `seq ${record.seq}`);
  if (record.seq === 1n && record.kind !== 'open')
    throw fault('MR-3002', state, offset, `an epoch that begins with "${record.kind}" instead of "open"`);
  if (record.kind === 'open') return counts(state, offset, record, positionOfOpen(state, offset, record));
  const from = record.kind === 'progress' ? record.from : record.at;
  if (!isOpened(state) || !samePosition(from, state.to))
    throw fault('MR-3002', state, offset, `a record from ${formatPosition(from)}`);
  if (record.kind !== 'progress') return counts(state, offset, record, state.to);
  if (record.to.history !== from.history || record.to.end < from.end)
    throw fault('MR-3002', state, offset, `a record that goes back to ${formatPosition(record.to)}`);
  return counts(state, offset, record, record.to);
}

/** The first `open` of a log begins the chain's positions; one with history + 1 is a fork (§8, R31); others continue. */
function positionOfOpen(state: ChainState, offset: bigint, record: OpenRecord): Position {
  const expected = expectedOpen(state, record);
  if (!expected || !samePosition(record.at, expected))
    throw fault('MR-3002', state, offset, `an "open" at ${formatPosition(record.at)}`);
  return expected;
}

function expectedOpen(state: ChainState, record: OpenRecord): Position | undefined {
  const { at, fork } = record;
  if (!isOpened(state)) return at.history === 0 && at.end > 0n ? at : undefined;
  if (at.history === state.to.history) return state.to;
  if (at.history !== state.to.history + 1 || !fork) return undefined;
  return { history: at.history, end: minLsn(state.to.end, fork.forkAt) };
}

function counts(state: ChainState, offset: bigint, record: ProgressRecord, to: Position): Verdict {
  const { epoch, nonce, seq } = record;
  return { verdict: 'counts', state: { logId: state.logId, epoch, nonce, seq, to, offset } };
}

function fault(code: FaultCode, state: ChainState, offset: bigint, found: string): Fault {
  return new Fault(code, {
    detail: `progress offset ${offset} holds ${found}, but the chain stands at epoch ${state.epoch}, seq ${state.seq}, ${formatPosition(state.to)} (offset ${state.offset})`,
    context: { offset, epoch: state.epoch, seq: state.seq, position: formatPosition(state.to) },
  });
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
