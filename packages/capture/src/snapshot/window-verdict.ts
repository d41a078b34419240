import { hasPortableKey, type Relation } from '@millrace/model';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { CaptureSettings } from '../options.js';
import type { KeyRange, WindowChunk } from '../source.js';
import type { Shape } from '../stream/shape.js';
import type { ChunkOverlay } from './chunk-overlay.js';
import { chunkOverlay, missingRow } from './chunk-rows.js';
import { isSingleKey, isWholeTable } from './states.js';
import type { ClosedWindow } from './window.js';

/** By what a window is judged. */
export interface WindowJudge {
  readonly settings: Pick<CaptureSettings, 'decisions'>;
  readonly facts: ChainFacts;
  /** The read saw the table in another shape than the stream: it has to be announced, and the table read anew. */
  readonly onReshaped: (relation: Relation) => void;
}

/** What was read can be published, with what the stream said between the watermarks laid over it. */
export interface UsableWindow {
  readonly overlay: ChunkOverlay;
  readonly shape: Shape;
}

/** It cannot, and is read once more if it is still wanted. */
export interface UselessWindow {
  readonly reason: string;
}

/** Whether the rows of a window that has closed are those of the leader at its HIGH (§7). `shape`: the table's by then. */
export async function judgeWindow(
  judge: WindowJudge,
  closed: ClosedWindow,
  chunk: WindowChunk,
  shape: Shape | undefined,
): Promise<UsableWindow | UselessWindow> {
  const { settings, facts, onReshaped } = judge;
  const { task, spoiled, changes, xids } = closed;
  if (spoiled !== undefined) return { reason: spoiled };
  if (!shape) return { reason: 'the table has no shape any more' };
  const stillWanted = facts.snapshots.some(
    ({ id, tables }) => id === task.snapshot.id && tables.some(({ topic }) => topic === task.topic),
  );
  if (!stillWanted) return { reason: 'the table is read by a later snapshot' };
  if (!sameColumns(chunk.relation, shape.relation)) {
    onReshaped(chunk.relation);
    return { reason: 'the read saw the table in another shape' };
  }
  const verdict = settings.decisions.windowVerdict(chunk.visibility, xids);
  if (!verdict.usable) return { reason: verdict.reason };
  if (isReadWhole(shape.relation, task.range) && !isWholeTable(task.range))
    return { reason: 'the key has no order any more that followers share' };
  const overlay = chunkOverlay({
    relation: shape.relation,
    changes,
    visibility: chunk.visibility,
    overlay: settings.decisions.overlay,
  });
  if ('incomplete' in overlay) return { reason: overlay.incomplete };
  const incomplete = await missingRow(overlay, chunk.rows);
  return incomplete === undefined ? { overlay, shape } : { reason: incomplete };
}

/**
 * Whether all of a table is read in one window instead of this range: without a key there are no ranges, and where stores order
 * keys differently a range would mean other rows in a follower. What an interrupted initial snapshot left of such a table becomes
 * the whole of it. A single key means the same everywhere.
 */
export const isReadWhole = (relation: Relation, range: KeyRange): boolean =>
  relation.key.length === 0 || (!hasPortableKey(relation) && !isSingleKey(range));

/** Whether rows of `a` can go under the shape of `b`. */
const sameColumns = (a: Relation, b: Relation): boolean =>
  a.id === b.id &&
  a.columns.length === b.columns.length &&
  a.columns.every((column, i) => {
    const other = b.columns[i];
    return (
      other !== undefined &&
      column.attnum === other.attnum &&
      column.name === other.name &&
      column.type.oid === other.type.oid &&
      column.type.typmod === other.type.typmod
    );
  }) &&
  a.key.length === b.key.length &&
  a.key.every((column, i) => column === b.key[i]);
