import type { Relation } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { Visibility, WindowRows } from '../source.js';
import type { ChunkOverlay, IncompleteChunk, WindowChange } from './chunk-overlay.js';
import { keyedOverlay } from './keyed-overlay.js';
import { keylessOverlay } from './keyless-overlay.js';
import { fullXid, isVisible } from './visibility.js';

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
