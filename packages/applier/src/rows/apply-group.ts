import type { FollowerTransaction, MirroredTable, StoredPosition } from '@millrace/follower';
import type {
  BatchRecord,
  CountingRecord,
  EventSink,
  Log,
  RecordCursor,
  RecordReadOptions,
  readRecordEvents,
} from '@millrace/log';
import type { Lsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { ApplierDecisions } from '../decisions.js';
import type { ApplierLimits } from '../policies.js';
import { advance, type Standing, stateOf, storedPosition } from '../session/standing.js';
import { learnTopics } from '../session/topics.js';
import { RowStream } from './row-stream.js';
import {
  adoptStep,
  planAdoption,
  planSchema,
  type SchemaContext,
  type SchemaStep,
  takeSchemaStep,
} from './schema-step.js';

/** Reads a record's events; the protocol's reader unless a test replaces it. */
export type ReadEvents = typeof readRecordEvents;

export interface GroupContext extends SchemaContext {
  readonly begin: (from: StoredPosition, to: StoredPosition) => Promise<FollowerTransaction>;
  /** Both halves of a key change are in the events; otherwise each stands for itself, a delete here and an insert there (R26). */
  readonly holdsKeyChanges: boolean;
  readonly log: Log;
  readonly limits: ApplierLimits;
  readonly decisions: ApplierDecisions;
  readonly readEvents: ReadEvents;
  readonly signal: AbortSignal;
  readonly onWait: NonNullable<RecordReadOptions['onWait']>;
}

export interface Applied {
  readonly standing: Standing;
  readonly events: number;
  readonly bytes: number;
}

/** One record of a group, with what was decided about it before the transaction began. */
interface PlannedRecord {
  readonly counting: CountingRecord;
  /** Where the follower stands before it. */
  readonly before: Standing;
  readonly steps: readonly SchemaStep[];
  /** Tables that become exact with it. */
  readonly completed: readonly number[];
}

/** One call's worth: nothing is handed over before the transaction is there. */
const whileBeginning_events_max = 200n;

interface PlannedGroup {
  readonly records: readonly PlannedRecord[];
  readonly after: Standing;
}

/**
 * Applies a group of counting records in one follower transaction: position first (R22), rows and schema changes in the
 * order of the stream, commit only after every range held exactly its count (R18). All or nothing; after a failure the
 * session's tables are worthless and are read from the store again.
 */
export async function applyGroup(
  group: readonly CountingRecord[],
  forkAt: Lsn | undefined,
  from: Standing,
  context: GroupContext,
): Promise<Applied> {
  const planned = planRecords(group, forkAt, from, context);
  const begun = context.begin(storedPosition(from), storedPosition(planned.after));
  if (!isReadWhileBeginning(group)) await begun;
  const stream = new RowStream(begun, context.limits);
  try {
    for (const record of planned.records) await applyRecord(record, forkAt, begun, stream, context);
    await stream.finish();
    context.signal.throwIfAborted();
    await (await begun).commit();
  } catch (error) {
    await stream.quiesce();
    // Whoever may not write is told so, whatever else went wrong meanwhile.
    await (await begun).abort();
    throw error;
  }
  return { standing: planned.after, events: stream.events, bytes: stream.bytes };
}

/**
 * A few events are read and gathered while the store moves the position row; their call waits for it. More of them wait before
 * the first is read, because it is the transaction that has the bulk lane.
 */
function isReadWhileBeginning(group: readonly CountingRecord[]): boolean {
  let events = 0n;
  for (const { record } of group) {
    if (record.kind !== 'progress' || record.barrier || record.snapshotDone) return false;
    events += record.events;
  }
  return events <= whileBeginning_events_max;
}

function planRecords(
  group: readonly CountingRecord[],
  forkAt: Lsn | undefined,
  from: Standing,
  context: GroupContext,
): PlannedGroup {
  let standing = from;
  const records: PlannedRecord[] = [];
  for (const counting of group) {
    const { record } = counting;
    if (forkAt !== undefined && record.kind === 'schema') throw retractedSchema(record.shape.relation.name);
    learnTopics([counting], context.topics);
    const before = standing;
    standing = clipped(before, advance(before, counting, context.decisions), forkAt, record.kind === 'open');
    let steps: readonly SchemaStep[] = [];
    if (record.kind === 'schema') {
      const plan = planSchema(record, standing, context);
      standing = plan.standing;
      steps = [plan.step];
    } else if (record.kind === 'open') {
      steps = planAdoption(record, standing, context);
      standing = withTables(standing, steps);
    }
    const completed = [...before.building].filter(
      (topic) => record.kind === 'progress' && !standing.building.has(topic),
    );
    records.push({ counting, before, steps, completed });
  }
  return { records, after: standing };
}

/** R32: of retracted records only the commits before the fork are applied; the position never passes it in the old history. */
function clipped(before: Standing, after: Standing, forkAt: Lsn | undefined, isOpen: boolean): Standing {
  if (forkAt === undefined || isOpen || after.position.end <= forkAt) return after;
  const end = before.position.end > forkAt ? before.position.end : forkAt;
  return { ...after, position: { history: after.position.history, end } };
}

function withTables(standing: Standing, steps: readonly SchemaStep[]): Standing {
  const tables = new Map(standing.tables);
  for (const { topic, table, renamedFrom } of steps) {
    if (renamedFrom !== undefined) tables.delete(renamedFrom);
    tables.set(topic, table.relation.id);
  }
  return { ...standing, tables };
}

async function applyRecord(
  planned: PlannedRecord,
  forkAt: Lsn | undefined,
  begun: Promise<FollowerTransaction>,
  stream: RowStream,
  context: GroupContext,
): Promise<void> {
  const { record } = planned.counting;
  for (const step of planned.steps) {
    await stream.finish();
    await takeSchemaStep(await begun, step);
    adoptStep(context.tables, step);
  }
  if (record.kind !== 'progress') return;
  // A chunk without rows still says that its range is empty.
  const hasWork = record.ranges.length > 0 || record.chunk?.window !== undefined;
  if (hasWork && !isPast(record, forkAt) && !isReadLater(planned.before))
    await applyEvents(record, planned.before, forkAt, stream, context);
  if (planned.completed.length === 0) return;
  await stream.finish();
  for (const topic of planned.completed) {
    const table = context.tables.get(topic);
    if (!table) continue;
    const exact: MirroredTable = { ...table, state: 'exact' };
    await (await begun).evolve(exact, []);
    context.tables.set(topic, exact);
  }
}

/** A record that lies wholly beyond the fork is not read at all. */
const isPast = (record: BatchRecord, forkAt: Lsn | undefined): boolean =>
  forkAt !== undefined && record.from.end >= forkAt;

/**
 * Every table will be read by a snapshot that has not begun yet: what came before it adds nothing. So a resync also leads past events that
 * are lost.
 */
const isReadLater = ({ notes }: Standing): boolean =>
  notes.awaiting !== null && Object.keys(notes.running).length === 0;

async function applyEvents(
  record: BatchRecord,
  before: Standing,
  forkAt: Lsn | undefined,
  stream: RowStream,
  context: GroupContext,
): Promise<void> {
  const { tables, topics, decisions, limits, signal, onWait } = context;
  await tables.prepare(record, before.notes.shapes, context.holdsKeyChanges);
  const chunkTable = record.chunk?.window ? tables.get(record.chunk.table) : undefined;
  const chunkFeed =
    chunkTable && record.chunk && hasFeed(record) ? tables.feed(record.chunk.table) : undefined;
  chunkFeed?.beginChunk();
  const own = before.position;
  // A 64-bit comparison per event is made only where it can decide something: at a fork, or within a record.
  const isPartial = forkAt !== undefined || own.end > record.from.end;
  const sink: EventSink = {
    event(topic: number, cursor: RecordCursor): void {
      if (
        isPartial &&
        (decisions.isCovered(own, cursor.commit) || decisions.isRetracted(forkAt, cursor.commit))
      )
        return;
      stream.event(tables.feed(topic), cursor);
    },
    room: () => stream.room(),
  };
  await context.readEvents(context.log, record, (topic) => topics.nameOf(topic), sink, {
    signal,
    max_bytes: limits.read_bytes,
    onWait,
  });
  if (!chunkTable || !record.chunk?.window || chunkTable.relation.key.length === 0) return;
  // Rows of the range that neither chunk nor window has are gone on the leader (§7). A chunk that begins with a truncate, as those of
  // keyless and of large tables do, has left none.
  const keys = chunkFeed ? chunkFeed.endChunk() : [];
  if (!keys) return;
  stream.cut();
  stream.deleteRange(chunkTable, record.chunk.window, keys);
}

const hasFeed = (record: BatchRecord): boolean =>
  record.ranges.some(({ topic }) => topic === record.chunk?.table);

const retractedSchema = (table: string): Fault =>
  new Fault('MR-2007', {
    detail: `the shape of ${table} changed in commits that never happened on the leader’s new timeline`,
  });

export const isBuilding = (standing: Standing): boolean => stateOf(standing) !== 'exact';
