import type { Position } from '@millrace/model';
import { assert, type Fault } from '@millrace/runtime';

/**
 * The states of a capture (log-protocol §4). None survives a restart: a new process begins in `wait`, and everything it needs
 * stands in the log.
 *
 *   wait ─► read ─► claim ─► reread ─► check ─► open ─► snapshot ─► stream
 *    ▲        ▲──── void ──────┘         │        └────────────────►  │
 *    └──────────────── reclaim, backoff (R12) ◄──────────────────────┘
 *   any ─► fenced (a newer claim counts) · any ─► stopped (fault, or the caller's signal)
 */
export type CaptureState =
  /** Entered at start and after a lost epoch: waits for the slot, the leader or the log; `reason` says for which. */
  | { readonly name: 'wait'; readonly reason: string }
  /** Owns the slot (R5) and reads the progress partition to its head. */
  | { readonly name: 'read' }
  /** Appends a claim; on doubt repeats the same bytes. */
  | { readonly name: 'claim'; readonly epoch: number }
  /** Reads on to its own claim (R6). */
  | { readonly name: 'reread'; readonly epoch: number }
  /** Compares slot, leader and log with the chain (R7, §8). */
  | { readonly name: 'check'; readonly epoch: number; readonly resume: Position }
  /** Appends `open`, reads it back, confirms (R9). */
  | { readonly name: 'open'; readonly epoch: number; readonly resume: Position }
  /** Reads the initial snapshot in the slot's exported snapshot (§7). */
  | { readonly name: 'snapshot'; readonly epoch: number }
  | { readonly name: 'stream'; readonly epoch: number }
  /** A newer capture took over: this one changes nothing any more (promise 6). Final. */
  | { readonly name: 'fenced'; readonly fault: Fault }
  /** Final: on a fault that needs an operator, or because it was told to. */
  | { readonly name: 'stopped'; readonly fault?: Fault };

export type CaptureStateName = CaptureState['name'];

/** Total: a new state does not compile until its row is written. */
export const transitions: Readonly<Record<CaptureStateName, readonly CaptureStateName[]>> = {
  wait: ['wait', 'read', 'fenced', 'stopped'],
  read: ['claim', 'wait', 'fenced', 'stopped'],
  claim: ['claim', 'reread', 'wait', 'fenced', 'stopped'],
  reread: ['read', 'check', 'wait', 'fenced', 'stopped'],
  check: ['open', 'wait', 'fenced', 'stopped'],
  open: ['snapshot', 'stream', 'wait', 'fenced', 'stopped'],
  snapshot: ['stream', 'wait', 'fenced', 'stopped'],
  stream: ['wait', 'fenced', 'stopped'],
  fenced: [],
  stopped: [],
};

/** The next state, if the table allows it; otherwise our bug (MR-9001). */
export function enter(from: CaptureState, to: CaptureState): CaptureState {
  assert(transitions[from.name].includes(to.name), `capture goes from ${from.name} to ${to.name}`);
  return to;
}
