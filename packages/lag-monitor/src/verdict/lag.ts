import { bytesBetween, type Lsn, minLsn, type Position } from '@millrace/model';
import type { ForkPoint } from '../samples/chain-head.js';

/** How many bytes of leader WAL an edge is behind, and how much of that stands before the log. */
export interface EdgeLag {
  /** Leader's present position minus the edge's; undefined when either is unknown. */
  readonly total_bytes: number | undefined;
  /** Newest record in the log minus the edge's position: the follower's own share. */
  readonly own_bytes: number | undefined;
}

/** R31: a position counts up to the first fork after its history. */
export function endAfterForks(position: Position, forks: readonly ForkPoint[]): Lsn {
  let end = position.end;
  for (const fork of forks) if (fork.history > position.history) end = minLsn(end, fork.forkAt);
  return end;
}

/** Bytes of leader WAL between `position` and `leader`, subtracted exactly before it becomes a number (promise 9). */
export function bytesBehind(
  leader: Lsn | undefined,
  position: Position | undefined,
  forks: readonly ForkPoint[],
): number | undefined {
  if (leader === undefined || position === undefined) return undefined;
  return bytesBetween(endAfterForks(position, forks), leader);
}

export interface LagInputs {
  readonly leader: Lsn | undefined;
  /** Up to where the log holds the leader's commits. */
  readonly head: Position | undefined;
  readonly forks: readonly ForkPoint[];
}

/** The log's own lag: what the leader has written and the log does not hold. */
export const lagOfLog = (inputs: LagInputs): number | undefined =>
  bytesBehind(inputs.leader, inputs.head, inputs.forks);

/**
 * A follower's lag. The leader's position is sampled before the follower's, so a follower can seem ahead by what it
 * applied in between: that is 0, not negative.
 */
export function lagOfFollower(inputs: LagInputs, position: Position | undefined): EdgeLag {
  const head = inputs.head && endAfterForks(inputs.head, inputs.forks);
  return {
    total_bytes: bytesBehind(inputs.leader, position, inputs.forks),
    own_bytes: bytesBehind(head, position, inputs.forks),
  };
}

/**
 * Which edge answers for a follower's lag: the one that holds the larger share. A capture that stands still makes every
 * follower late; that is one page about capture, not one per follower.
 */
export function blamesCapture(lag: EdgeLag, log_bytes: number | undefined): boolean {
  if (lag.own_bytes === undefined || log_bytes === undefined) return false;
  return log_bytes > lag.own_bytes;
}
