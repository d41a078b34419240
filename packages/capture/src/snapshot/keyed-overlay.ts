import { Buffer } from 'node:buffer';
import { type Relation, type Row, type RowImage, rowImageOf, rowOf } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { ChunkOverlay, IncompleteChunk, WindowChange } from './chunk-overlay.js';

/** What a key holds after the window's changes, as far as they tell. */
interface Outcome {
  /** Cells that the changes gave; absent ones are those of the row read under `from`. */
  readonly row: Row;
  /** Key under which the row was read, if it was; undefined: it came into being in the window. */
  readonly from: string | undefined;
  /** It exists whether or not `from` was read: it moved here, so it must have been somewhere. */
  readonly certain: boolean;
}

type Overlay = CaptureDecisions['overlay'];

const separator = '\u0001';

const isComplete = (row: Row): boolean => !row.includes(undefined);

/**
 * Folds changes over rows that are not known yet. A row that was read ends up in at most one place, so that its outcome is found by
 * the key it was read under, at the moment it streams by, and nothing of the read is ever held.
 */
class Outcomes {
  readonly #key: readonly number[];
  readonly #overlay: Overlay;
  /** By the key they have at the end. */
  readonly rows = new Map<string, Outcome>();
  /** Keys whose rows, if they were read, are not there any more: deleted, moved away, or replaced. */
  readonly gone = new Set<string>();
  /** Nothing that was read is left. */
  truncated = false;

  constructor(key: readonly number[], overlay: Overlay) {
    this.#key = key;
    this.#overlay = overlay;
  }

  /** Takes one change; returns why the chunk is incomplete, if it is. */
  apply({ op, before, after }: WindowChange): string | undefined {
    if (op === 'truncate') {
      this.rows.clear();
      this.truncated = true;
      return undefined;
    }
    const oldKey = this.#keyOf((before ?? after) as Row);
    if (!after) {
      this.#leave(oldKey);
      return undefined;
    }
    const key = this.#keyOf(after);
    if (op === 'update' && key === oldKey) this.#update(key, after);
    else return this.#put(op === 'insert' ? undefined : this.#present(oldKey), oldKey, key, after);
    return undefined;
  }

  #update(key: string, after: Row): void {
    const present = this.#present(key);
    // Neither read nor new: outside the range. Its key does not come into it.
    if (!present) return;
    const row = present === 'as-read' ? after : this.#overlay(present.row, { kind: 'set', row: after });
    if (row === undefined) this.#leave(key);
    else if (present === 'as-read') this.rows.set(key, { row, from: key, certain: false });
    else this.rows.set(key, { ...present, row });
  }

  /** An insert, or the new place of a row that moved. */
  #put(
    present: Outcome | 'as-read' | undefined,
    oldKey: string,
    key: string,
    after: Row,
  ): string | undefined {
    const asRead = present === 'as-read';
    const base = asRead ? undefined : present;
    const row = asRead ? after : this.#overlay(base?.row, { kind: 'set', row: after });
    if (key !== oldKey) this.#leave(oldKey);
    this.#leave(key);
    if (row === undefined) return undefined;
    const from = asRead ? oldKey : base?.from;
    if (from === undefined && !isComplete(row))
      return 'a row whose key changed in the window came from outside the chunk';
    this.rows.set(key, { row, from, certain: true });
    return undefined;
  }

  #leave(key: string): void {
    this.rows.delete(key);
    this.gone.add(key);
  }

  #present(key: string): Outcome | 'as-read' | undefined {
    const known = this.rows.get(key);
    if (known) return known;
    return this.truncated || this.gone.has(key) ? undefined : 'as-read';
  }

  #keyOf(row: Row): string {
    return this.#key.map((column) => String(row[column])).join(separator);
  }
}

/** Of a keyed table: by the key a row was read under, what became of it; the rest is new. */
export function keyedOverlay(
  relation: Relation,
  changes: readonly WindowChange[],
  overlay: Overlay,
): ChunkOverlay | IncompleteChunk {
  const outcomes = new Outcomes(relation.key, overlay);
  for (const change of changes) {
    const incomplete = outcomes.apply(change);
    if (incomplete !== undefined) return { incomplete };
  }
  const fates = new Map<string, Outcome>();
  const created: Row[] = [];
  for (const outcome of outcomes.rows.values())
    if (outcome.from === undefined) created.push(outcome.row);
    else fates.set(outcome.from, outcome);
  return overlayOf(relation.key, outcomes, fates, created, overlay);
}

function overlayOf(
  key: readonly number[],
  { gone, truncated }: Outcomes,
  fates: ReadonlyMap<string, Outcome>,
  created: readonly Row[],
  overlay: Overlay,
): ChunkOverlay {
  const awaited = new Set<string>();
  for (const [from, { row, certain }] of fates) if (certain && !isComplete(row)) awaited.add(from);
  const met = new Set<string>();
  const isUntouched = gone.size === 0 && fates.size === 0;
  return {
    awaited,
    rowKey: (image) => imageKey(key, image),
    onto(image) {
      if (truncated) return undefined;
      if (isUntouched) return image;
      const from = imageKey(key, image);
      const fate = fates.get(from);
      if (!fate) return gone.has(from) ? undefined : image;
      if (fate.certain) met.add(from);
      const row = overlay(rowOf(image), { kind: 'set', row: fate.row });
      return row && rowImageOf(row);
    },
    *added() {
      yield* created;
      for (const [from, { row, certain }] of fates) if (certain && !met.has(from)) yield row;
    },
  };
}

function imageKey(key: readonly number[], image: RowImage): string {
  const { bytes, offset, length } = image;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cell = (column: number): string => {
    const from = offset[column] as number;
    return buffer.toString('utf8', from, from + (length[column] as number));
  };
  return key.length === 1 ? cell(key[0] as number) : key.map(cell).join(separator);
}
