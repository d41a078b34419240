import { Fault } from '@millrace/runtime';
import { formatLsn, type Lsn, lsnZero, parseLsn } from './lsn.js';

/**
 * How far a reader has come: `history` counts forks of the leader, `end` is the end LSN of the last covered commit,
 * or a later record boundary when idle. Ordered by history, then end.
 */
export interface Position {
  readonly history: number;
  readonly end: Lsn;
}

export const startOfHistory: Position = { history: 0, end: lsnZero };

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.history !== b.history) return a.history - b.history;
  return a.end < b.end ? -1 : a.end > b.end ? 1 : 0;
}

export const samePosition = (a: Position, b: Position): boolean => a.history === b.history && a.end === b.end;

/**
 * R1: a commit is covered iff the final LSN of its BEGIN is below the position's end; never ≤, never a row's LSN.
 * (A commit's end equals the next one's first LSN; COPY gives all rows one LSN.)
 */
export function covers(position: Position, commit: Lsn): boolean {
  return commit < position.end;
}

/** `3:16/B374D848` */
export function formatPosition(position: Position): string {
  return `${position.history}:${formatLsn(position.end)}`;
}

/** The text form back. Throws MR-1001. */
export function parsePosition(text: string): Position {
  const colon = text.indexOf(':');
  const history = Number(text.slice(0, colon));
  if (colon < 1 || !Number.isInteger(history) || history < 0 || history > 0xffff_ffff) {
    throw new Fault('MR-1001', { detail: `"${text}" is not a position like 0:16/B374D848` });
  }
  return { history, end: parseLsn(text.slice(colon + 1)) };
}
