import { formatLsn, formatPosition, type Lsn, lsnZero, type Position } from '@millrace/model';
import type { LeaderWal } from '../source.js';
import type { Fork } from './fork.js';

/** How the leader's WAL compares with what was published. */
export type WalVerdict = 'whole' | 'late' | 'put-back';

/**
 * Whether the leader's WAL holds everything published up to `at`. A walsender sends only WAL that is flushed (a standby's: replayed),
 * and positions of keepalives are ends of what it has read, so `at` was flushed before it was published. A crash or a power cut loses
 * WAL that was written and not yet flushed, nothing else, and recovery ends at or beyond what was flushed: a healthy leader's WAL never
 * ends before `at`. One that does was put back to an older copy of itself (a disk's snapshot), which changes neither system nor
 * timeline. A standby is only late: it has as much to replay again after each of its own restarts.
 */
export function walVerdict(wal: LeaderWal, at: Position): WalVerdict {
  if (wal.end >= at.end) return 'whole';
  return wal.isReplaying ? 'late' : 'put-back';
}

/**
 * A leader that was put back parts from the log like one that failed over (R31), only that no timeline tells where: it has written
 * since, and so may its slot have been made or moved since. Nothing is known to be shared: all of `to` is retracted, and the chain goes
 * on where the slot stands.
 */
export function putBackFork(slot: Lsn, to: Position): Fork {
  const history = to.history + 1;
  return {
    kind: 'fork',
    forkAt: lsnZero,
    resume: { history, end: lsnZero },
    retracted: { from: lsnZero, to: to.end },
    jumpTo: { history, end: slot },
  };
}

/** For messages. */
export const describePutBack = (wal: LeaderWal, at: Position): string =>
  `the leader’s WAL ends at ${formatLsn(wal.end)}, before ${formatPosition(at)}, up to which its commits were published: it was put back to an older copy of itself`;
