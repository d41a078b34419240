import type { Relation } from '@millrace/model';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { Progress } from '../chain/progress.js';
import type { CaptureSettings } from '../options.js';
import { unfinished } from '../snapshot/states.js';
import type { SourceSession } from '../source.js';
import type { ShapeBook } from '../stream/shape-book.js';

export interface CatalogueWatchOptions {
  readonly settings: CaptureSettings;
  readonly session: SourceSession;
  readonly shapes: ShapeBook;
  readonly facts: ChainFacts;
  readonly progress: Progress;
  readonly onNew: (relations: readonly Relation[]) => void;
  readonly onGone: (topics: ReadonlySet<number>) => void;
  readonly signal: AbortSignal;
}

/** Topics that are to be read although their table is not published any more. */
export function goneTopics(
  relations: readonly Relation[],
  facts: Pick<ChainFacts, 'snapshots'>,
  shapes: Pick<ShapeBook, 'topicOf'>,
): Set<number> {
  const present = new Set(relations.map((relation) => shapes.topicOf(relation)?.number));
  const gone = new Set<number>();
  for (const { tables } of unfinished(facts.snapshots))
    for (const { topic, remaining } of tables)
      if (remaining.length > 0 && !present.has(topic)) gone.add(topic);
  return gone;
}

/**
 * Asks the leader now and then where it is, and which tables are published: one that joined without an event would otherwise never
 * be read, and one that left would be read for ever.
 */
export async function watchCatalogue(options: CatalogueWatchOptions): Promise<void> {
  const { settings, session, shapes, facts, progress, signal } = options;
  const { clock } = settings.surroundings;
  while (!signal.aborted) {
    const relations = await session.relations();
    if (signal.aborted) return;
    const unknown = relations.filter((relation) => shapes.topicOf(relation) === undefined);
    if (unknown.length > 0) options.onNew(unknown);
    const gone = goneTopics(relations, facts, shapes);
    if (gone.size > 0) options.onGone(gone);
    progress.leaderAt(await session.leaderPosition());
    await clock.sleep(settings.limits.catalogue_ms, signal);
  }
}
