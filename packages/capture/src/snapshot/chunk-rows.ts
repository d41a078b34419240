import type { Relation, Row } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { Visibility } from '../source.js';
import { fullXid, isVisible } from './visibility.js';

/** A change of the table during the window, as cells. */
export interface WindowChange {
  readonly xid: number;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  /** Old row: of a keyed table at least its key; of another the whole row. Undefined when the key did not change. */
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

export type ChunkRows =
  | { readonly rows: readonly Row[] }
  /** A row of the range needs a value that neither the read nor the window holds: read again. */
  | { readonly incomplete: string };

export interface ChunkInputs {
  readonly relation: Relation;
  readonly read: readonly Row[];
  readonly changes: readonly WindowChange[];
  readonly visibility: Visibility;
  readonly overlay: CaptureDecisions['overlay'];
}

const separator = '\u0001';

/**
 * The rows of a chunk as of HIGH (§7, R29): what was read, and on it, in commit order, what the window's transactions did that the
 * read did not see. Those it saw are in the rows already, and would do harm twice: a key may have been taken by another row since.
 *
 * Rows that came into being in the window are included wherever their key lies: they are right as of HIGH, and only the leader
 * knows its key order.
 */
export function chunkRows(inputs: ChunkInputs): ChunkRows {
  const { visibility, changes } = inputs;
  const inProgress = new Set(visibility.inProgress);
  const unseen = changes.filter(
    ({ xid }) => !isVisible(fullXid(xid, visibility.xmax), visibility, inProgress),
  );
  return inputs.relation.key.length > 0 ? keyedRows(inputs, unseen) : { rows: keylessRows(inputs, unseen) };
}

function keyedRows({ relation, read, overlay }: ChunkInputs, changes: readonly WindowChange[]): ChunkRows {
  const keyOf = (row: Row): string => relation.key.map((column) => String(row[column])).join(separator);
  const rows = new Map<string, Row>(read.map((row) => [keyOf(row), row]));
  for (const { op, before, after } of changes) {
    if (op === 'truncate') {
      rows.clear();
      continue;
    }
    const oldKey = keyOf((before ?? after) as Row);
    const base = op === 'insert' ? undefined : rows.get(oldKey);
    if (!after) {
      rows.delete(oldKey);
      continue;
    }
    const key = keyOf(after);
    // An update of a row that was not read and is not new: outside the range. Its key does not come into it.
    if (op === 'update' && !base && key === oldKey) continue;
    const now = overlay(base, { kind: 'set', row: after });
    if (key !== oldKey) rows.delete(oldKey);
    if (now === undefined) {
      rows.delete(key);
      continue;
    }
    if (now.includes(undefined))
      return { incomplete: 'a row whose key changed in the window came from outside the chunk' };
    rows.set(key, now);
  }
  return { rows: [...rows.values()] };
}

/** A multiset: an update takes one equal row away and adds one. */
function keylessRows({ read }: ChunkInputs, changes: readonly WindowChange[]): Row[] {
  const rows = [...read];
  const take = (wanted: Row): void => {
    const at = rows.findIndex((row) => row.every((cell, i) => cell === wanted[i]));
    if (at >= 0) rows.splice(at, 1);
  };
  for (const { op, before, after } of changes) {
    if (op === 'truncate') rows.length = 0;
    if (before) take(before);
    if (after) rows.push(after);
  }
  return rows;
}
