import { type Row, type RowImage, rowOf } from '@millrace/model';
import type { ChunkOverlay, IncompleteChunk, WindowChange } from './chunk-overlay.js';

/** Equal rows, equal texts. */
const rowText = (row: Row): string =>
  row.map((cell) => (typeof cell === 'string' ? `${cell.length}:${cell}` : cell === null ? 'n' : 'a')).join();

/**
 * Of a table without a key the rows are a multiset: an update takes one equal row away and adds one. Which of several equal rows
 * goes makes no difference, so one that the window added goes first, and only what it lacks is left out of the rows read.
 */
export function keylessOverlay(changes: readonly WindowChange[]): ChunkOverlay | IncompleteChunk {
  /** How many rows of a text are to be left out of those read. */
  const left = new Map<string, number>();
  const added = new Map<string, { readonly row: Row; count: number }>();
  let truncated = false;
  const take = (row: Row): void => {
    const text = rowText(row);
    const own = added.get(text);
    if (own === undefined) left.set(text, (left.get(text) ?? 0) + 1);
    else if (--own.count === 0) added.delete(text);
  };
  for (const { op, before, after } of changes) {
    if (op === 'truncate') {
      truncated = true;
      left.clear();
      added.clear();
    }
    if (before) take(before);
    if (!after) continue;
    if (after.includes(undefined))
      return { incomplete: 'a row of the window came without all of its values' };
    const text = rowText(after);
    const own = added.get(text);
    if (own === undefined) added.set(text, { row: after, count: 1 });
    else own.count++;
  }
  return {
    awaited: new Set(),
    rowKey: (image) => rowText(rowOf(image)),
    onto: (image) => (truncated || isLeft(left, image) ? undefined : image),
    *added() {
      for (const { row, count } of added.values()) for (let i = 0; i < count; i++) yield row;
    },
  };
}

function isLeft(left: Map<string, number>, image: RowImage): boolean {
  if (left.size === 0) return false;
  const text = rowText(rowOf(image));
  const count = left.get(text);
  if (count === undefined) return false;
  if (count === 1) left.delete(text);
  else left.set(text, count - 1);
  return true;
}
