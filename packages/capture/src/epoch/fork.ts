import { formatLsn, type Lsn, minLsn, type Position } from '@millrace/model';
import type { LeaderIdentity } from '../source.js';

/**
 * The leader took another way: it agrees with the log up to `forkAt`. The chain goes on at `resume` under history + 1 (R31).
 * `retracted`: commits in (from, to] stand in the log but never happened on this leader.
 */
export interface Fork {
  readonly kind: 'fork';
  readonly forkAt: Lsn;
  readonly resume: Position;
  readonly retracted?: { readonly from: Lsn; readonly to: Lsn };
  /** Nothing is sent of what lies between `resume` and here. */
  readonly jumpTo?: Position;
}

/** What became of the leader since the chain's last `open`, §8. */
export type ForkVerdict =
  | { readonly kind: 'same' }
  /** Another cluster altogether. */
  | { readonly kind: 'replaced'; readonly was: bigint; readonly now: bigint }
  | Fork;

const endless = 0xffff_ffff_ffff_ffffn as Lsn;

/** The way through the timelines: where each was left; the present one never. */
const path = (leader: LeaderIdentity) => [
  ...leader.ancestry,
  { timeline: leader.timeline, switchLsn: endless },
];

/**
 * R31: F is the smaller switch LSN where stored and present ancestry first differ, the present timeline's counting as
 * infinite. New commits may carry lower LSNs than old ones, so everything is compared by min(to.end, F).
 */
export function forkVerdict(stored: LeaderIdentity, present: LeaderIdentity, to: Position): ForkVerdict {
  if (stored.systemId !== present.systemId)
    return { kind: 'replaced', was: stored.systemId, now: present.systemId };
  const before = path(stored);
  const now = path(present);
  const length = Math.max(before.length, now.length);
  for (let i = 0; i < length; i++) {
    const was = before[i];
    const is = now[i];
    if (was && is && was.timeline === is.timeline && was.switchLsn === is.switchLsn) continue;
    const forkAt = minLsn(was?.switchLsn ?? endless, is?.switchLsn ?? endless);
    return {
      kind: 'fork',
      forkAt,
      resume: { history: to.history + 1, end: minLsn(to.end, forkAt) },
      ...(to.end > forkAt && { retracted: { from: forkAt, to: to.end } }),
    };
  }
  return { kind: 'same' };
}

/** For messages. */
export const describeFork = (fork: Fork): string =>
  `the leader's timelines part at ${formatLsn(fork.forkAt)}${
    fork.retracted ? `; commits up to ${formatLsn(fork.retracted.to)} were published and never happened` : ''
  }`;
