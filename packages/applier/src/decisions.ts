import { comparePositions, covers, type Lsn, type Position } from '@millrace/model';
import { type GroupPlan, type GroupRequest, planGroup } from './chain/grouping.js';
import type { OnRestore } from './policies.js';

/** How far a follower got, and under which of its registrations: a resync begins a new one. */
export interface Reached {
  readonly registration: number;
  readonly position: Position;
}

/** What the position row says to an applier that looks at it. `anew`: an operator ordered a resync. */
export type RowVerdict = 'mine' | 'fenced' | 'went-back' | 'anew';

export interface RowLook {
  /** The row as it stands; undefined when the store holds none any more. */
  readonly row: (Reached & { readonly owner: Uint8Array }) | undefined;
  /** The owner this applier wrote at its takeover. */
  readonly owner: Uint8Array;
  /** Where this applier left it. */
  readonly reached: Reached;
}

/**
 * Every decision of the applier as a pure function, in one object, so that the simulation can replace a single rule by a
 * double and prove that it would notice.
 */
export interface ApplierDecisions {
  /** R1 and the last sentence of §5: true when an event is already in the follower. */
  isCovered(own: Position, commit: Lsn): boolean;
  /** R32: true when a commit never happened on the leader's new timeline. */
  isRetracted(forkAt: Lsn | undefined, commit: Lsn): boolean;
  /** R23: does the position row stand behind what was reached before? */
  wentBack(row: Reached, reached: Reached | undefined): boolean;
  /** R21, R23: whose row is it, and did it go back? */
  judgeRow(look: RowLook): RowVerdict;
  /** R23: may a follower that went back simply be replayed from its own position? */
  mayReplay(policy: OnRestore): boolean;
  /** R30: does a finished snapshot complete a follower that waits for one begun after snapshot `awaiting`? */
  completes(snapshot: number, awaiting: number): boolean;
  /** R24: which records share the next follower transaction. */
  planGroup(request: GroupRequest): GroupPlan;
}

const sameOwner = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The decisions as the protocol has them. */
export const applierDecisions: ApplierDecisions = {
  isCovered: (own, commit) => covers(own, commit),

  isRetracted: (forkAt, commit) => forkAt !== undefined && commit >= forkAt,

  wentBack(row, reached) {
    if (!reached) return false;
    if (row.registration !== reached.registration) return row.registration < reached.registration;
    return comparePositions(row.position, reached.position) < 0;
  },

  /**
   * A restore brings an older owner back as well, so the position is judged first: a successor only ever moves it forward,
   * and a row that stands behind what we reached is a restored one, whoever owns it.
   */
  judgeRow({ row, owner, reached }) {
    if (!row || this.wentBack(row, reached)) return 'went-back';
    if (row.registration > reached.registration) return 'anew';
    return sameOwner(row.owner, owner) ? 'mine' : 'fenced';
  },

  mayReplay: (policy) => policy === 'replay',

  completes: (snapshot, awaiting) => snapshot > awaiting,

  planGroup,
};
