import type { SnapshotState } from '@millrace/log';
import { type Change, type Lsn, type Relation, type Row, type RowImage, rowOf } from '@millrace/model';
import type { KeyRange, WindowChunk } from '../source.js';
import { fillAbsent } from '../stream/images.js';
import type { WindowChange } from './chunk-overlay.js';
import type { StreamedXids } from './visibility.js';

/** A chunk to be read in a window. */
export interface WindowTask {
  readonly snapshot: SnapshotState;
  readonly topic: number;
  readonly range: KeyRange;
}

/** What a window is worth at HIGH. */
export interface ClosedWindow {
  readonly task: WindowTask;
  readonly chunk: number;
  readonly read: Promise<WindowChunk>;
  readonly changes: readonly WindowChange[];
  readonly xids: StreamedXids;
  /** Why it cannot be used whatever was read; undefined when nothing speaks against it. */
  readonly spoiled: string | undefined;
  readonly commit: Lsn;
  readonly committedAt_us: bigint;
  readonly end: Lsn;
}

/** One window: what the stream brings between LOW and HIGH of its table. */
export class Window {
  readonly task: WindowTask;
  readonly chunk: number;
  readonly read: Promise<WindowChunk>;
  readonly #limit_bytes: number;
  #changes: WindowChange[] = [];
  #bytes = 0;
  #open = false;
  spoiled: string | undefined;
  /** HIGH's step has begun to use what was read. */
  taken = false;

  constructor(task: WindowTask, chunk: number, read: Promise<WindowChunk>, limit_bytes: number) {
    this.task = task;
    this.chunk = chunk;
    this.read = read;
    this.#limit_bytes = limit_bytes;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get changes(): readonly WindowChange[] {
    return this.#changes;
  }

  opened(): void {
    this.#open = true;
  }

  /** Keeps a change of the table, as long as memory allows. */
  change(xid: number, change: Change): void {
    if (this.spoiled !== undefined) return;
    const { relation, before, op } = change;
    const after =
      change.after && before ? fillAbsent(relation, before, change.beforeIsFull, change.after) : change.after;
    this.#bytes += imageBytes(before) + imageBytes(after);
    if (this.#bytes > this.#limit_bytes) {
      this.#changes = [];
      this.spoiled = 'the window’s changes exceeded its memory';
      return;
    }
    this.#changes.push({
      xid,
      op,
      before: before && cellsOf(relation, before, change.beforeIsFull),
      after: after && rowOf(after),
    });
  }
}

/** Of a key-only image only the key means anything. */
function cellsOf(relation: Relation, image: RowImage, full: boolean): Row {
  const row = rowOf(image);
  return full ? row : row.map((cell, i) => (relation.key.includes(i) ? cell : undefined));
}

/** Two bytes a character, and what an array of cells costs besides. */
function imageBytes(image: RowImage | undefined): number {
  if (!image) return 0;
  let bytes = image.columns * 16;
  for (let i = 0; i < image.columns; i++) bytes += 2 * Math.max(0, image.length[i] as number);
  return bytes;
}
