import type { EventEncoder } from '@millrace/codec';
import type { Change, Lsn, Position, Relation, TransactionEnd, TransactionStart } from '@millrace/model';
import { lsnZero, maxLsn, relationName } from '@millrace/model';
import { assert, type ByteGate, Fault } from '@millrace/runtime';
import type { PublishQueue } from '../chain/publish-queue.js';
import type { Recorder } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import type { WindowEngine } from '../snapshot/window-engine.js';
import type { SchemaCertainty, SourceSink, Watermark } from '../source.js';
import type { BatchBuilder, SealedBatch } from './batch-builder.js';
import type { EventWriter } from './event-writer.js';
import type { IdleRecords } from './idle-records.js';
import type { Shape } from './shape.js';
import type { ShapeBook, ShapeChange } from './shape-book.js';

const microsecondsPerMillisecond = 1000;

export interface StreamSinkOptions {
  readonly settings: CaptureSettings;
  readonly epoch: number;
  /** Commits covered here are dropped (R1). */
  readonly resume: Position;
  readonly builder: BatchBuilder;
  readonly writer: EventWriter;
  readonly shapes: ShapeBook;
  readonly recorder: Recorder;
  readonly queue: PublishQueue;
  readonly gate: ByteGate;
  readonly idle: IdleRecords;
  readonly windows: WindowEngine;
  /** A table that the chain did not know, or whose old rows changed without events: its rows have to be read. */
  readonly onRepair: (topic: number) => void;
}

/**
 * Receives the stream and cuts it into batches. Everything here is synchronous, but for the compiling of encoders: what a call has
 * to say to the log goes into the queue, in order.
 */
export class StreamSink implements SourceSink {
  readonly #o: StreamSinkOptions;
  #received: Lsn = lsnZero;
  #lastCommit: Lsn | undefined;
  #start: TransactionStart | undefined;
  /** The open transaction is covered already. */
  #covered = false;
  #lastRelation: Relation | undefined;
  #shape: Shape | undefined;
  #alone = false;
  #pumping = false;
  /** Shapes announced in covered transactions, which the chain may have left behind: taken up by the first event to be written. */
  readonly #passed = new Map<number, PassedShape>();
  /** Topics that the open transaction marked to be read. */
  readonly #repaired = new Set<number>();

  constructor(options: StreamSinkOptions) {
    this.#o = options;
  }

  /** End of the last transaction, or keepalive, received. */
  get received(): Lsn {
    return this.#received;
  }

  begin(start: TransactionStart): void {
    const { settings, builder, writer, resume, idle, windows } = this.#o;
    assert(this.#start === undefined, 'a transaction begins inside another');
    this.#start = start;
    this.#covered = settings.decisions.isCovered(resume, start.commit);
    idle.interrupted();
    windows.begin(start);
    if (this.#covered) return;
    builder.begin();
    writer.begin({
      commit: start.commit,
      xid: start.xid,
      sourceTime_us: start.committedAt_us,
      processedAt_us:
        BigInt(Math.trunc(settings.surroundings.clock.now())) * BigInt(microsecondsPerMillisecond),
      lastCommit: this.#lastCommit,
      snapshot: 'false',
      chunk: 0,
      flags: 0,
    });
  }

  change(change: Change): void {
    if (this.#covered) return;
    if (this.#passed.size > 0) this.#takeUp(change.relation);
    const { builder, writer, windows, settings } = this.#o;
    const shape = this.#shapeOf(change.relation);
    if (change.op === 'truncate') this.#standAlone();
    if (writer.change(shape, change)) this.#movedWithAbsent(shape, change);
    if (windows.watching) windows.change(shape, change);
    if (builder.open_bytes >= settings.limits.part_bytes) this.#appendPart();
  }

  watermark(mark: Watermark): void {
    const { settings, epoch, windows } = this.#o;
    if (this.#covered || !settings.decisions.isOwnWatermark(mark, epoch)) return;
    // What is committed so far belongs before the window's edge: the chunk gets a record of its own.
    if (mark.kind === 'high') this.#cut();
    windows.mark(mark);
  }

  commit(end: TransactionEnd): void {
    const { builder, windows, recorder } = this.#o;
    const start = this.#start;
    assert(start !== undefined, 'a commit without a transaction');
    this.#start = undefined;
    if (this.#repaired.size > 0) this.#repaired.clear();
    // Its end, which Debezium's `source.sequence` names.
    this.#lastCommit = end.end;
    this.#received = maxLsn(this.#received, end.end);
    if (this.#covered) {
      windows.commit();
      return;
    }
    const repairs = windows.takeRepairs();
    if (repairs) {
      // The ranges to read must be in the chain before the events that make them necessary, or a crash would forget them.
      this.#cut();
      recorder.checkpoint(repairs);
    }
    builder.commit(end.end, start.committedAt_us);
    const chunk = windows.takeChunk(start, end.end);
    windows.commit();
    if (chunk) {
      builder.dropEmptyTransaction();
      recorder.step(chunk);
      return;
    }
    if (this.#alone || this.#mayCut()) this.#cut();
    else this.#pumpSoon();
    this.#alone = false;
  }

  keepalive(at: Lsn): void {
    this.#received = maxLsn(this.#received, at);
    this.#o.idle.keepalive(at);
    this.#pumpSoon();
  }

  relation(relation: Relation, certainty: SchemaCertainty): Promise<void> | undefined {
    const { shapes } = this.#o;
    this.#passed.delete(relation.id);
    if (this.#covered && this.#start !== undefined && !shapes.isNewest(relation)) {
      // A transaction sent once more carries the shapes of its time: recording them would take newer columns away again.
      return this.#pass(relation, certainty);
    }
    this.#lastRelation = undefined;
    const change = this.#record(relation, certainty);
    return shapes.compile(change).then(() => undefined);
  }

  /** Plans a shape, and writes it to the chain before its first event when it is another than the chain's newest. */
  #record(relation: Relation, certainty: SchemaCertainty): ShapeChange {
    const { shapes, settings, recorder, windows } = this.#o;
    const told = doubtOf(certainty);
    const change = shapes.plan(relation, told !== undefined);
    const doubt = told ?? this.#rekeyed(change);
    if (doubt !== undefined && settings.policies.onSchemaUncertain === 'stop')
      throw uncertain(relation, doubt);
    if (change.changes !== undefined) {
      // The shape is a barrier before the whole transaction that brings it: a record ends at a commit (R13, R26).
      // What came earlier in it may have its keys in another form, and be on other partitions than what follows.
      if (this.#start !== undefined && !this.#covered) this.#standAlone();
      else this.#cut();
      // What a table held before it was published, or before the change, came without events.
      const repair = doubt !== undefined || change.isNewTable;
      recorder.shape(change, repair);
      windows.reshaped(change.topic.number);
      if (repair) this.#repair(change.topic.number);
    }
    return change;
  }

  #repair(topic: number): void {
    if (this.#start !== undefined) this.#repaired.add(topic);
    this.#o.onRepair(topic);
  }

  /**
   * Why rows that the open transaction has written already do not fit what the table is from here on; undefined when they do. The new
   * shape stands before the whole transaction, so that what was written under the old key would be looked for under the new one.
   * A table that this transaction had marked to be read is read after it.
   */
  #rekeyed({ topic, changes }: ShapeChange): string | undefined {
    if (!changes?.some(({ kind }) => kind === 'change-key')) return undefined;
    if (this.#repaired.has(topic.number) || !this.#o.builder.hasWritten(topic.number)) return undefined;
    return 'its key changed in a transaction that had written to the table before';
  }

  async #pass(relation: Relation, certainty: SchemaCertainty): Promise<void> {
    const { shapes, settings } = this.#o;
    const topic = shapes.topicOf(relation);
    if (!topic) return;
    const encoder = await settings.codec.encoder(topic.name, relation);
    this.#passed.set(relation.id, { relation, certainty, encoder });
  }

  #takeUp({ id }: Relation): void {
    const passed = this.#passed.get(id);
    if (!passed) return;
    this.#passed.delete(id);
    this.#lastRelation = undefined;
    this.#o.shapes.enforce(this.#record(passed.relation, passed.certainty), passed.encoder);
  }

  room(): Promise<void> | undefined {
    this.pump();
    return this.#o.gate.room();
  }

  /** Cuts what has gathered when nothing is being published: the batch is whatever came while the one before was under way. */
  pump(): void {
    const { queue, builder, idle, recorder } = this.#o;
    if (queue.idle && builder.transactions > 0) this.#cut();
    if (queue.idle) recorder.checkpointWhenDue();
    idle.consider(!queue.idle || builder.transactions > 0 || this.#start !== undefined);
  }

  /** Seals what is committed, so that what is put into the queue next stands behind it. */
  cut(): void {
    this.#cut();
  }

  #shapeOf(relation: Relation): Shape {
    if (relation === this.#lastRelation && this.#shape) return this.#shape;
    const shape = this.#o.shapes.get(relation.id);
    assert(shape !== undefined, `an event of ${relationName(relation)} came before its relation`);
    this.#lastRelation = relation;
    this.#shape = shape;
    return shape;
  }

  /** R26: the open transaction gets a record of its own that nobody passes. */
  #standAlone(): void {
    if (this.#alone) return;
    this.#alone = true;
    this.#cut();
    this.#o.builder.markBarrier();
  }

  #movedWithAbsent(shape: Shape, change: Change): void {
    this.#standAlone();
    if (change.after) this.#o.windows.moved(shape, change.after);
  }

  #mayCut(): boolean {
    const { settings, builder } = this.#o;
    // Never at once for a quiet stream: the read at hand may hold more commits; `pump` looks again when it is through.
    return settings.decisions.shouldCut({
      bytes: builder.bytes,
      events: builder.events,
      idle: false,
      limits: settings.limits,
    });
  }

  /** Seals what is committed. */
  #cut(): void {
    const sealed = this.#o.builder.seal();
    if (sealed) this.#enqueue(sealed);
  }

  #enqueue(sealed: SealedBatch): void {
    const { gate, recorder, builder } = this.#o;
    gate.add(sealed.bytes);
    recorder.batch(sealed, builder, () => gate.release(sealed.bytes));
    recorder.checkpointWhenDue();
  }

  /** A large transaction goes ahead of its record in parts (R13), so that memory does not grow with it (promise 7). */
  #appendPart(): void {
    const { builder, recorder, gate } = this.#o;
    this.#cut();
    const { part, ranges } = builder.takePart();
    gate.add(part.bytes);
    recorder.part(part, ranges, builder, () => gate.release(part.bytes));
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.pump();
    });
  }
}

/** Announced by the leader, not taken up. */
interface PassedShape {
  readonly relation: Relation;
  readonly certainty: SchemaCertainty;
  readonly encoder: EventEncoder;
}

const uncertain = (relation: Relation, doubt: string): Fault =>
  new Fault('MR-2010', {
    detail: `${relationName(relation)}: ${doubt}`,
    context: { table: relationName(relation) },
    remedy: `Run \`millrace resync --table ${relationName(relation)}\`, or set \`leader.on_schema_uncertain: repair\`.`,
  });

/** Why old rows, or columns, are not certain; undefined when they are. */
function doubtOf(certainty: SchemaCertainty): string | undefined {
  if (!certainty.certain) return certainty.reason;
  return 'rewritten' in certainty ? certainty.rewritten : undefined;
}
