import type { Relation } from '@millrace/model';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { Progress } from '../chain/progress.js';
import type { GoneTables } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import { unfinished } from '../snapshot/states.js';
import type { PartitionedTables, SourceSession } from '../source.js';
import type { ShapeBook } from '../stream/shape-book.js';
import { MembershipWatch, membershipTable } from './membership-watch.js';
import { PartitionWatch, partitionsTable } from './partition-watch.js';

export interface CatalogueWatchOptions {
  readonly settings: CaptureSettings;
  readonly session: SourceSession;
  readonly shapes: ShapeBook;
  readonly facts: ChainFacts;
  readonly progress: Progress;
  readonly onNew: (relations: readonly Relation[]) => void;
  /** Resolves when the chain says that they are read again. */
  readonly onReturned: (relations: readonly Relation[]) => Promise<void>;
  readonly onGone: (tables: GoneTables) => void;
  readonly signal: AbortSignal;
}

/** Topics that are to be read, with the table that feeds each. */
export function awaitedTables({
  snapshots,
  shapes,
}: Pick<ChainFacts, 'snapshots' | 'shapes'>): Map<number, number | undefined> {
  const awaited = new Map<number, number | undefined>();
  for (const { tables } of unfinished(snapshots))
    for (const { topic, remaining } of tables)
      if (remaining.length > 0) awaited.set(topic, shapes.get(topic)?.relation.id);
  return awaited;
}

/** Those of `awaited` whose table is not published any more. */
export function goneTables(awaited: GoneTables, relations: readonly Pick<Relation, 'id'>[]): GoneTables {
  const present = new Set<number | undefined>(relations.map(({ id }) => id));
  return new Map([...awaited].filter(([, id]) => !present.has(id)));
}

const watchedPartitions = (
  { log }: CaptureSettings,
  { created }: SourceSession,
  tables: PartitionedTables,
): PartitionWatch =>
  new PartitionWatch({ tables, known: log.table(partitionsTable), first: created?.snapshot.partitions });

/**
 * Asks the leader now and then where it is, and which tables are published: one that joined without an event would otherwise never
 * be read, one that left would be read for ever, and one that left and came back would miss what happened meanwhile. Also which
 * partitions the tables have, of which the stream says nothing.
 */
export async function watchCatalogue(options: CatalogueWatchOptions): Promise<void> {
  const { settings, session, shapes, facts, progress, signal } = options;
  const { clock } = settings.surroundings;
  const partitions = session.partitions && watchedPartitions(settings, session, session.partitions);
  const members = new MembershipWatch(settings.log.table(membershipTable));
  while (!signal.aborted) {
    // Asked for later, a table may have joined after the answer.
    const awaited = awaitedTables(facts);
    const inForce = shapes.relations;
    const relations = await session.relations();
    if (signal.aborted) return;
    const memberships = await session.memberships(relations);
    const returned = await members.returned(inForce, memberships);
    if (returned.length > 0) await options.onReturned(returned);
    await members.note(memberships);
    const unknown = relations.filter((relation) => shapes.topicOf(relation) === undefined);
    if (unknown.length > 0) options.onNew(unknown);
    const gone = goneTables(awaited, relations);
    if (gone.size > 0) options.onGone(gone);
    await partitions?.look();
    progress.leaderAt(await session.leaderPosition());
    await clock.sleep(settings.limits.catalogue_ms, signal);
  }
}
