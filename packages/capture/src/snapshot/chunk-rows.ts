import type { Relation, Row, RowImage } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { Visibility, WindowRows } from '../source.js';
import { keyedOverlay } from './keyed-overlay.js';
import { keylessOverlay } from './keyless-overlay.js';
import { fullXid, isVisible } from './visibility.js';

/** A change of the table during the window, as cells. */
export interface WindowChange {
  readonly xid: number;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  /** Old row: of a keyed table at least its key; of another the whole row. Undefined when the key did not change. */
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/**
 * What the window's unseen changes make of the rows that were read, laid over them while they stream by: every row goes through
 * `onto` once, in any order, then `added` tells what comes besides. Its memory is that of the changes, whatever the table's size.
 */
export interface ChunkOverlay {
  /** The row as of HIGH: the image itself, another, or undefined when it is left out. */
  onto(image: RowImage): RowImage | undefined;
  /** Rows that were not among those read. */
  added(): Iterable<Row>;
  /**
   * Keys (see `rowKey`) that have to be among the rows read, because they have values that the window's events lack. One that is
   * not there makes the chunk incomplete.
   */
  readonly awaited: ReadonlySet<string>;
  /** Key of a row that was read, as in `awaited`. */
  rowKey(image: RowImage): string;
}

/** A row of the range needs a value that neither the read nor the window holds: read again. */
export interface IncompleteChunk {
  readonly incomplete: string;
}

export interface OverlayInputs {
  readonly relation: Relation;
  readonly changes: readonly WindowChange[];
  readonly visibility: Visibility;
  readonly overlay: CaptureDecisions['overlay'];
}

/**
 * The rows of a chunk as of HIGH (§7, R29): what was read, and on it, in commit order, what the window's transactions did that the
 * read did not see. Those it saw are in the rows already, and would do harm twice: a key may have been taken by another row since.
 *
 * Rows that came into being in the window are included wherever their key lies: they are right as of HIGH, and only the leader
 * knows its key order.
 */
export function chunkOverlay(inputs: OverlayInputs): ChunkOverlay | IncompleteChunk {
  const { relation, visibility, changes } = inputs;
  const inProgress = new Set(visibility.inProgress);
  const unseen = changes.filter(
    ({ xid }) => !isVisible(fullXid(xid, visibility.xmax), visibility, inProgress),
  );
  return relation.key.length > 0 ? keyedOverlay(relation, unseen, inputs.overlay) : keylessOverlay(unseen);
}

/** Why the chunk is incomplete: a row that is awaited is not among those read. Told before anything of the chunk is published. */
export async function missingRow(overlay: ChunkOverlay, rows: WindowRows): Promise<string | undefined> {
  if (overlay.awaited.size === 0) return undefined;
  const awaited = new Set(overlay.awaited);
  await rows.each({
    row(image): void {
      awaited.delete(overlay.rowKey(image));
    },
    room: () => undefined,
  });
  return awaited.size === 0 ? undefined : 'a row that moved in the window was outside the chunk before';
}
