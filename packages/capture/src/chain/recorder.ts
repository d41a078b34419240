import type {
  AppendedRange,
  ChunkNote,
  LayoutTopic,
  Log,
  PartitionBatch,
  ProgressRecord,
  RecordHead,
  SnapshotState,
} from '@millrace/log';
import type { Lsn, Position } from '@millrace/model';
import type { Clock } from '@millrace/runtime';
import type { Opening } from '../epoch/startup-check.js';
import type { CaptureLimits } from '../options.js';
import { isFinished, unfinished, withoutChunk, withoutReading } from '../snapshot/states.js';
import type { LeaderIdentity } from '../source.js';
import {
  addRanges,
  type BatchBuilder,
  type BatchPart,
  type PartRanges,
  partitionBatches,
  type SealedBatch,
} from '../stream/batch-builder.js';
import type { ShapeChange } from '../stream/shape-book.js';
import type { ChainFacts } from './chain-facts.js';
import type { ChainWriter } from './chain-writer.js';
import type { PublishQueue } from './publish-queue.js';
import type { ReadBack } from './read-back.js';
import { batchRecord, chunkRecord, idleRecord, openRecord, schemaRecord } from './records-of-epoch.js';

/** Alters what a checkpoint says about snapshots. */
export type SnapshotChange = (snapshots: readonly SnapshotState[]) => readonly SnapshotState[];

/** By topic: the table that fed it when it was found gone; undefined when the chain knew of none. */
export type GoneTables = ReadonlyMap<number, number | undefined>;

/** Topics that no other table feeds by now: one made anew under the same name was asked to be read after that. */
const stillGone = (gone: GoneTables, { shapes }: Pick<ChainFacts, 'shapes'>): Set<number> =>
  new Set([...gone].filter(([topic, id]) => shapes.get(topic)?.relation.id === id).map(([topic]) => topic));

/** Whether the chunk of this note is its snapshot's last. */
const isDone = (snapshots: readonly SnapshotState[], note: ChunkNote): boolean =>
  withoutChunk(snapshots, note).some((snapshot) => snapshot.id === note.snapshot && isFinished(snapshot));

export interface RecorderOptions {
  readonly log: Log;
  readonly writer: ChainWriter;
  readonly queue: PublishQueue;
  readonly readBack: ReadBack;
  readonly leader: LeaderIdentity;
  readonly limits: CaptureLimits;
  readonly clock: Clock;
  readonly onPublished: (record: ProgressRecord, offset: bigint) => void;
}

/**
 * The steps that an epoch puts into its queue, one per kind of record. What a record says about the chain is taken when its step
 * runs, so that checkpoints and positions are always those of their place in the chain.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #checkpointAt_ms: number;
  #checkpointRecords = 0;
  #checkpointQueued = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#checkpointAt_ms = options.clock.monotonic();
  }

  /** Where the chain stands after everything acknowledged. */
  get tail(): Position {
    return this.#options.writer.tail;
  }

  /** `layout` and `snapshots`: those of the chain, or of a log's first `open`. */
  open(opening: Opening, layout: readonly LayoutTopic[], snapshots: readonly SnapshotState[]): void {
    this.#add(async () => {
      const { writer, leader } = this.#options;
      const { facts } = writer;
      await this.#publish([], (head) =>
        openRecord(head, {
          at: opening.at,
          leader,
          ...(opening.fork && { fork: opening.fork }),
          layout,
          snapshots,
          relations: [...facts.shapes.values()],
        }),
      );
      this.#checkpointed();
    });
  }

  /** Resolves when everything that was asked for before stands in the chain. */
  recorded(): Promise<void> {
    return new Promise((resolve) => this.#add(async () => resolve()));
  }

  /** A checkpoint: readers that start there know everything. `change` alters the snapshots it lists. */
  checkpoint(change: SnapshotChange = (same) => same, done?: () => void): void {
    this.#add(async () => {
      await this.#checkpointNow(change(this.#options.writer.facts.snapshots));
      done?.();
    });
  }

  /** §10: every minute or 1,000 records, when anything was recorded since. */
  checkpointWhenDue(): void {
    const { writer, limits, clock } = this.#options;
    const records = writer.records - this.#checkpointRecords;
    if (this.#checkpointQueued || records === 0) return;
    const age_ms = clock.monotonic() - this.#checkpointAt_ms;
    if (records < limits.checkpoint_records && age_ms < limits.checkpoint_ms) return;
    this.#checkpointQueued = true;
    this.checkpoint();
  }

  /** R17: the topic, its layout, and R37: the shape, before its first event. */
  shape(change: ShapeChange, repair: boolean): void {
    const { changes, topic } = change;
    if (changes === undefined) return;
    this.#add(async () => {
      const { log, writer } = this.#options;
      if (change.isNewTopic) {
        await log.createTopic(topic.name, topic.partitions);
        const endOffsets = await this.#ends(topic.name, topic.partitions);
        await this.#publish([], (head) => ({
          ...head,
          kind: 'layout',
          at: writer.tail,
          topics: [...writer.facts.layout(), { ...topic, endOffsets }],
        }));
      }
      await this.#publish([], (head) => schemaRecord(head, writer.tail, change.shape, changes, repair));
    });
  }

  batch(batch: SealedBatch, builder: BatchBuilder, done: () => void): void {
    this.#add(async () => {
      const { writer } = this.#options;
      await this.#publish(partitionBatches(batch), (head, appended) => {
        const ranges: PartRanges = new Map(batch.earlier);
        addRanges(ranges, batch, appended);
        return batchRecord(head, writer.tail, batch, ranges);
      });
      builder.recycle(batch);
      done();
    });
  }

  /** Appends a part ahead of its record; its ranges go where the record will look for them. */
  part(part: BatchPart, ranges: PartRanges, builder: BatchBuilder, done: () => void): void {
    this.#add(async () => {
      await this.appendPart(part, ranges, builder);
      done();
    });
  }

  /** Within a step: as `part`. */
  async appendPart(part: BatchPart, ranges: PartRanges, builder: BatchBuilder): Promise<void> {
    addRanges(ranges, part, await this.#options.writer.append(partitionBatches(part)));
    builder.recycle(part);
  }

  /** Moves the position without events. `to` at or behind the tail when its turn comes: nothing to say. */
  idle(to: Lsn): void {
    this.#add(async () => {
      const { writer } = this.#options;
      if (to <= writer.tail.end) return;
      await this.#publish([], (head) =>
        idleRecord(head, writer.tail, { history: writer.tail.history, end: to }),
      );
    });
  }

  /** A snapshot that has no rows at all is done. */
  snapshotDone(): void {
    this.#add(async () => {
      const { writer } = this.#options;
      await this.#publish([], (head) => idleRecord(head, writer.tail, writer.tail, true));
    });
  }

  /** Tables that are gone on the leader are no longer read. `done` is called when that stands in the chain. */
  giveUp(gone: GoneTables, done?: () => void): void {
    this.#add(async () => {
      const { writer } = this.#options;
      const before = writer.facts.snapshots;
      const after = withoutReading(before, stillGone(gone, writer.facts));
      const finished = unfinished(before).length - unfinished(after).length;
      await this.#checkpointNow(after);
      for (let i = 0; i < finished; i++)
        await this.#publish([], (head) => idleRecord(head, writer.tail, writer.tail, true));
      done?.();
    });
  }

  /** Within a step: moves the position over a transaction of ours that holds nothing. */
  async publishIdle(to: Lsn): Promise<void> {
    const { writer } = this.#options;
    await this.#publish([], (head) =>
      idleRecord(head, writer.tail, { history: writer.tail.history, end: to }),
    );
  }

  /** A step of another kind, which may use what is said to be within a step. */
  step(run: () => Promise<void>): void {
    this.#add(run);
  }

  /** Within a step: publishes a chunk's rows. `to` undefined: where the chain stands (initial chunk). */
  async publishChunk(chunk: {
    readonly part: BatchPart;
    readonly earlier: PartRanges;
    readonly note: ChunkNote;
    readonly to: Lsn | undefined;
    readonly commit_us: bigint;
  }): Promise<void> {
    const { writer } = this.#options;
    await this.#publish(partitionBatches(chunk.part), (head, appended) => {
      const ranges: PartRanges = new Map(chunk.earlier);
      addRanges(ranges, chunk.part, appended);
      const from = writer.tail;
      return chunkRecord(head, {
        from,
        to: chunk.to === undefined ? from : { history: from.history, end: chunk.to },
        transactions: chunk.to === undefined ? 0 : 1,
        commit_us: chunk.commit_us,
        ranges,
        note: chunk.note,
        snapshotDone: isDone(writer.facts.snapshots, chunk.note),
      });
    });
  }

  async #checkpointNow(snapshots: readonly SnapshotState[]): Promise<void> {
    const { writer, leader } = this.#options;
    const { facts } = writer;
    await this.#publish([], (head) =>
      openRecord(head, {
        at: writer.tail,
        leader,
        layout: facts.layout(),
        snapshots,
        relations: [...facts.shapes.values()],
      }),
    );
    this.#checkpointed();
  }

  #add(run: () => Promise<void>): void {
    this.#options.queue.add({ run });
  }

  async #publish(
    batches: readonly PartitionBatch[],
    make: (head: RecordHead, ranges: readonly AppendedRange[]) => ProgressRecord,
  ): Promise<void> {
    const { writer, readBack, onPublished } = this.#options;
    const { record, offset } = await writer.publish(batches, make);
    readBack.acknowledged(offset, record.seq);
    onPublished(record, offset);
  }

  #checkpointed(): void {
    const { writer, clock } = this.#options;
    this.#checkpointAt_ms = clock.monotonic();
    this.#checkpointRecords = writer.records;
    this.#checkpointQueued = false;
  }

  async #ends(topic: string, partitions: number): Promise<bigint[]> {
    const { log } = this.#options;
    const ends: bigint[] = [];
    for (let partition = 0; partition < partitions; partition++)
      ends.push((await log.watermarks(topic, partition)).high);
    return ends;
  }
}
