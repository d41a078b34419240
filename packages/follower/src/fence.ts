import { Buffer } from 'node:buffer';
import { formatPosition, samePosition } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { StoredPosition } from './port.js';

/** The position row as a store keeps it. `generation` counts registrations (resyncs), so that a late writer of an old one is told. */
export interface PositionRow extends StoredPosition {
  readonly owner: Uint8Array;
  readonly generation: number;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** What a handle remembers of its own takeover; undefined before the first. */
export interface Ownership {
  readonly owner: Uint8Array;
  readonly generation: number;
}

/**
 * R21: may the holder of `ownership` move `row` away from `from`? The owner is judged first: a fenced applier must learn that
 * it is fenced, whatever the position is by now. Adapters ask this after their UPDATE matched no row, to name the reason.
 */
export function fenceVerdict(
  follower: string,
  row: PositionRow | undefined,
  ownership: Ownership | undefined,
  from: StoredPosition,
): Fault | undefined {
  if (!row) {
    return new Fault('MR-4004', {
      detail: `Follower ${follower} holds no position row any more.`,
      remedy:
        'Run `millrace resync <follower>`: the store was emptied or restored from before its registration.',
    });
  }
  const mine =
    ownership !== undefined &&
    ownership.generation === row.generation &&
    sameBytes(ownership.owner, row.owner);
  if (!mine) {
    return new Fault('MR-4003', {
      detail: `Follower ${follower} belongs to another applier since it was taken over at ${formatPosition(row.position)}.`,
    });
  }
  if (!samePosition(row.position, from.position) || !sameBytes(row.anchor, from.anchor)) {
    return new Fault('MR-4004', {
      detail: `Follower ${follower} stands at ${formatPosition(row.position)}, not at ${formatPosition(from.position)} where this applier left it.`,
    });
  }
  return undefined;
}
