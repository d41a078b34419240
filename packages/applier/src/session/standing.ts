import type { FollowerState, MirroredTable, StoredPosition } from '@millrace/follower';
import {
  anchorOf,
  type CountingRecord,
  encodeAnchor,
  type OpenRecord,
  type SchemaRecord,
  type SnapshotState,
} from '@millrace/log';
import type { Position } from '@millrace/model';
import type { ApplierDecisions } from '../decisions.js';
import { type FollowerNotes, formatNotes, type KeptShape, parseNotes } from './notes.js';

/** Where a follower stands, as a value: folded over counting records before a row of them is written. */
export interface Standing {
  readonly logId: Uint8Array;
  readonly position: Position;
  readonly anchor: Uint8Array;
  readonly diverged: boolean;
  readonly notes: FollowerNotes;
  /** Tables of the follower by topic number: the leader's relation id of each. */
  readonly tables: ReadonlyMap<number, number>;
  /** Topic numbers of the tables whose rows are not complete yet, made already or only announced (R30). */
  readonly building: ReadonlySet<number>;
}

/** R30: building is a state of a table as well as of a follower; the follower is exact when no table is building. */
export function stateOf(standing: Standing): FollowerState {
  if (standing.diverged) return 'diverged';
  return standing.notes.awaiting !== null || standing.building.size > 0 ? 'building' : 'exact';
}

/** The standing that a position row and the follower's tables (by topic number) say. */
export function standingAt(
  row: StoredPosition,
  mirrored: Iterable<readonly [number, Pick<MirroredTable, 'relation' | 'state'>]>,
): Standing {
  const notes = parseNotes(row.notes);
  const tables = new Map<number, number>();
  const building = new Set<number>();
  for (const [topic, { relation, state }] of mirrored) {
    tables.set(topic, relation.id);
    if (state === 'building') building.add(topic);
  }
  // Only announced: not made yet.
  for (const topic of Object.values(notes.running).flat()) if (!tables.has(topic)) building.add(topic);
  const { logId, position, anchor } = row;
  return { logId, position, anchor, diverged: row.state === 'diverged', notes, tables, building };
}

/** The position row that says the same. */
export function storedPosition(standing: Standing): StoredPosition {
  return {
    logId: standing.logId,
    position: standing.position,
    anchor: standing.anchor,
    state: stateOf(standing),
    notes: formatNotes(standing.notes),
  };
}

/** The standing after one more counting record. */
export function advance(standing: Standing, counting: CountingRecord, decisions: ApplierDecisions): Standing {
  const { record, state } = counting;
  const moved: Standing = { ...standing, position: state.to, anchor: encodeAnchor(anchorOf(state)) };
  switch (record.kind) {
    case 'open':
      return afterOpen(moved, standing.position, record, decisions);
    case 'schema':
      return afterSchema(moved, record);
    case 'progress': {
      const passed = record.transactions > 0 ? withoutPassedShapes(moved) : moved;
      return record.snapshotDone ? afterSnapshot(passed, record.chunk?.snapshot, decisions) : passed;
    }
    default:
      return moved;
  }
}

/**
 * An `open` lists the snapshots under way. One not seen before was begun after everything that this follower has
 * applied; the tables it announces are incomplete unless the follower has them already. One with nothing left to read
 * waits for its `snapshotDone`; if none has come by the next `open`, it completes nothing.
 */
function afterOpen(
  moved: Standing,
  before: Position,
  record: OpenRecord,
  decisions: ApplierDecisions,
): Standing {
  const { notes } = moved;
  const running: Record<string, readonly number[]> = {};
  const building = new Set(moved.building);
  const listed = new Map(record.snapshots.map((snapshot) => [snapshot.id, snapshot] as const));
  const closing: number[] = [];
  for (const [id, tables] of Object.entries(notes.running)) {
    const now = listed.get(Number(id));
    const isClosing = !now || isFinished(now);
    if (isClosing && notes.closing.includes(Number(id))) continue;
    if (isClosing) closing.push(Number(id));
    running[id] = tables;
  }
  for (const snapshot of record.snapshots) {
    const id = String(snapshot.id);
    if (id in notes.running || isFinished(snapshot)) continue;
    const topics = snapshot.tables.map(({ topic }) => topic);
    // A snapshot begun before the registration's anchor says nothing about what this follower lacks (R30).
    if (notes.awaiting === null || decisions.completes(snapshot.id, notes.awaiting)) running[id] = topics;
    for (const topic of topics) if (!moved.tables.has(topic)) building.add(topic);
  }
  const newest = record.snapshots.reduce((most, { id }) => Math.max(most, id), notes.newest);
  // R31: the chain's own position is the smaller of where it stood and the fork; a row beyond it holds retracted commits (R32).
  const beyondFork = record.fork !== undefined && before.end > record.fork.forkAt;
  return {
    ...moved,
    building,
    diverged: moved.diverged || beyondFork,
    notes: { ...notes, running, closing, newest },
  };
}

/** Tables that no snapshot under way completes: capture died between marking and reading them, say. Their follower asks for them. */
export function orphans({ building, notes }: Standing): number[] {
  const served = new Set(Object.values(notes.running).flat());
  return [...building].filter((topic) => !served.has(topic));
}

/** Checkpoints go on listing the last snapshot when it is done, so that numbers only count up. */
const isFinished = (snapshot: SnapshotState): boolean =>
  snapshot.tables.every(({ remaining }) => remaining.length === 0);

function afterSchema(moved: Standing, record: SchemaRecord): Standing {
  const { topic, relation } = record.shape;
  const tables = new Map(moved.tables);
  const building = new Set(moved.building);
  const renamedFrom = record.changes.some(({ kind }) => kind === 'rename-table')
    ? [...tables].find(([other, id]) => other !== topic && id === relation.id)?.[0]
    : undefined;
  if (renamedFrom !== undefined) {
    tables.delete(renamedFrom);
    if (building.delete(renamedFrom)) building.add(topic);
  }
  const isNew = record.changes.some(({ kind }) => kind === 'create-table');
  // Made anew on the leader: empty there, hence complete here, unless a snapshot is announced for it.
  if (isNew && tables.has(topic)) building.delete(topic);
  tables.set(topic, relation.id);
  if (!record.repair) return { ...moved, tables, building };
  building.add(topic);
  if (isNew && !moved.tables.has(topic)) return { ...moved, tables, building };
  // R38: what a running snapshot read of this table before it was rewritten or made anew does not complete it.
  const running = Object.fromEntries(
    Object.entries(moved.notes.running).map(
      ([id, listed]) => [id, listed.filter((t) => t !== topic)] as const,
    ),
  );
  return { ...moved, tables, building, notes: { ...moved.notes, running } };
}

function withoutPassedShapes(moved: Standing): Standing {
  const { shapes } = moved.notes;
  if (shapes.length === 0) return moved;
  return { ...moved, notes: { ...moved.notes, shapes: shapes.filter(({ until }) => until === 'kept') } };
}

/** The tables of the finished snapshot are exact; so is a follower that waited for one begun after its anchor. */
function afterSnapshot(moved: Standing, snapshot: number | undefined, decisions: ApplierDecisions): Standing {
  const { notes } = moved;
  const id = snapshot ?? notes.closing[0];
  if (id === undefined || !(String(id) in notes.running)) return moved;
  const { [String(id)]: done = [], ...running } = notes.running;
  const completes = notes.awaiting !== null && decisions.completes(id, notes.awaiting);
  const building = new Set(moved.building);
  if (notes.awaiting === null || completes) for (const topic of done) building.delete(topic);
  return {
    ...moved,
    building,
    notes: {
      ...notes,
      running,
      closing: notes.closing.filter((each) => each !== id),
      awaiting: completes ? null : notes.awaiting,
    },
  };
}

/** Keeps a relation version that later events may still carry. */
export function keepShape(standing: Standing, shape: KeptShape): Standing {
  const others = standing.notes.shapes.filter(
    (kept) => kept.topic !== shape.topic || kept.version !== shape.version,
  );
  return { ...standing, notes: { ...standing.notes, shapes: [...others, shape] } };
}
