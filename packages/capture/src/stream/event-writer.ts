import type { EncodingContext, EnvelopeOp, SnapshotMark } from '@millrace/codec';
import { type EventStamp, eventFlags } from '@millrace/log';
import type { Change, Lsn, RowImage } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import type { BatchBuilder, Slot } from './batch-builder.js';
import { absentBitmap, fillAbsent, hasAbsent, keyChanged } from './images.js';
import { partitionOf } from './partitioner.js';
import type { Shape } from './shape.js';

/** Debezium's letters: read (snapshot), create, update, delete, truncate. */
export type ChangeCounts = Record<EnvelopeOp, number>;

const noBitmap = new Uint8Array(0);

/** A transaction, or a chunk, as the events written for it carry it. */
export interface EventOrigin {
  readonly commit: Lsn;
  readonly xid: number;
  readonly sourceTime_us: bigint;
  readonly processedAt_us: bigint;
  readonly lastCommit: Lsn | undefined;
  readonly snapshot: SnapshotMark;
  /** Upper half of the ordinals: the chunk number of an initial chunk, else 0. */
  readonly chunk: number;
  readonly flags: number;
}

/**
 * Turns changes into packed events: bytes to bytes, no object per event. Key changes become two events, deletes are followed by a
 * tombstone (§2).
 */
export class EventWriter {
  /** Events written, by operation. */
  readonly written: ChangeCounts = { r: 0, c: 0, u: 0, d: 0, t: 0 };
  readonly #builder: BatchBuilder;
  readonly #key = new ByteWriter(256);
  readonly #stamp: EventStamp;
  readonly #context: EncodingContext;
  #baseFlags = 0;
  /** Halves of a key change, and rows of a chunk, are encoded through this one. */
  readonly #half: Change = {
    op: 'insert',
    relation: undefined as never,
    lsnHigh: 0,
    lsnLow: 0,
    before: undefined,
    beforeIsFull: false,
    after: undefined,
  };

  constructor(builder: BatchBuilder, epoch: number) {
    this.#builder = builder;
    this.#stamp = {
      flags: 0,
      epoch,
      commitHigh: 0,
      commitLow: 0,
      ordinalHigh: 0,
      ordinalLow: 0,
      relationVersion: 0,
    };
    this.#context = {
      sourceTime_us: 0n,
      processedAt_us: 0n,
      xid: -1,
      lastCommitHigh: -1,
      lastCommitLow: -1,
      snapshot: 'false',
    };
  }

  /** Starts a transaction or a chunk: ordinals begin at 0. */
  begin(origin: EventOrigin): void {
    const stamp = this.#stamp;
    stamp.commitHigh = Number(origin.commit >> 32n);
    stamp.commitLow = Number(origin.commit & 0xffff_ffffn);
    stamp.ordinalHigh = origin.chunk;
    stamp.ordinalLow = 0;
    this.#baseFlags = origin.flags;
    const context = this.#context;
    context.sourceTime_us = origin.sourceTime_us;
    context.processedAt_us = origin.processedAt_us;
    context.xid = origin.xid;
    context.lastCommitHigh = origin.lastCommit === undefined ? -1 : Number(origin.lastCommit >> 32n);
    context.lastCommitLow = origin.lastCommit === undefined ? -1 : Number(origin.lastCommit & 0xffff_ffffn);
    context.snapshot = origin.snapshot;
  }

  /** Writes one change. Returns true when it is a key change whose new image lacks columns: a barrier (R26). */
  change(shape: Shape, change: Change): boolean {
    switch (change.op) {
      case 'insert':
        this.#event(shape, 'c', change, change.after as RowImage, this.#baseFlags);
        return false;
      case 'update':
        return this.#update(shape, change);
      case 'delete':
        this.#delete(shape, change, this.#baseFlags);
        return false;
      case 'truncate':
        this.truncate(shape, change.lsnHigh, change.lsnLow);
        return false;
    }
  }

  /** A row that was read, not changed. */
  row(shape: Shape, image: RowImage): void {
    const half = this.#half;
    half.op = 'insert';
    half.relation = shape.relation;
    half.lsnHigh = this.#stamp.commitHigh;
    half.lsnLow = this.#stamp.commitLow;
    half.before = undefined;
    half.beforeIsFull = false;
    half.after = image;
    this.#event(shape, 'r', half, image, this.#baseFlags);
  }

  truncate(shape: Shape, lsnHigh: number, lsnLow: number): void {
    const half = this.#half;
    half.op = 'truncate';
    half.relation = shape.relation;
    half.lsnHigh = lsnHigh;
    half.lsnLow = lsnLow;
    half.before = undefined;
    half.after = undefined;
    const slot = this.#builder.slot(shape, shape.keylessPartition);
    this.#write(slot, shape, 't', half, noBitmap, this.#baseFlags, false);
    this.#next();
  }

  #update(shape: Shape, change: Change): boolean {
    const { before } = change;
    let after = change.after as RowImage;
    if (!before) {
      this.#event(shape, 'u', change, after, this.#baseFlags);
      return false;
    }
    const moved = shape.keyed && keyChanged(shape.relation, before, after);
    after = fillAbsent(shape.relation, before, change.beforeIsFull, after);
    const half = this.#half;
    half.relation = change.relation;
    half.lsnHigh = change.lsnHigh;
    half.lsnLow = change.lsnLow;
    half.beforeIsFull = change.beforeIsFull;
    if (!moved) {
      half.op = 'update';
      half.before = before;
      half.after = after;
      this.#event(shape, 'u', half, after, this.#baseFlags);
      return false;
    }
    half.op = 'delete';
    half.before = before;
    half.after = undefined;
    this.#delete(shape, half, this.#baseFlags | eventFlags.keyChangeFirst);
    half.op = 'insert';
    half.before = undefined;
    half.after = after;
    this.#event(shape, 'c', half, after, this.#baseFlags | eventFlags.keyChangeSecond);
    return hasAbsent(after);
  }

  #delete(shape: Shape, change: Change, flags: number): void {
    const slot = this.#slotOf(shape, change.before as RowImage);
    this.#write(slot, shape, 'd', change, noBitmap, flags, shape.keyed);
    // §2: a tombstone repeats its delete's ordinal and is not counted. Without a key there is nothing to compact.
    if (shape.keyed) this.#tombstone(slot, shape, flags);
    this.#next();
  }

  #event(shape: Shape, op: EnvelopeOp, change: Change, image: RowImage, flags: number): void {
    const slot = this.#slotOf(shape, image);
    this.#write(slot, shape, op, change, absentBitmap(image), flags, shape.keyed);
    this.#next();
  }

  /** Encodes the key and finds its partition: chosen once, explicitly (R10, R17). */
  #slotOf(shape: Shape, image: RowImage): Slot {
    if (!shape.keyed) return this.#builder.slot(shape, shape.keylessPartition);
    const key = this.#key;
    key.reset();
    shape.encoder.key(image, key);
    return this.#builder.slot(shape, partitionOf(key.buffer, 0, key.position, shape.partitions));
  }

  #write(
    slot: Slot,
    shape: Shape,
    op: EnvelopeOp,
    change: Change,
    absent: Uint8Array,
    flags: number,
    keyed: boolean,
  ): void {
    const { packer } = slot;
    const before_bytes = packer.bytes;
    this.#stamp.flags = flags;
    this.#stamp.relationVersion = shape.version;
    packer.begin(this.#stamp, absent);
    if (keyed) packer.out.bytes(this.#key.buffer, 0, this.#key.position);
    packer.beginValue(keyed);
    shape.encoder.value(op, change, this.#context, packer.out);
    packer.end();
    slot.events++;
    this.written[op]++;
    this.#builder.grew(packer.bytes - before_bytes);
  }

  #tombstone(slot: Slot, shape: Shape, flags: number): void {
    const { packer } = slot;
    const before_bytes = packer.bytes;
    this.#stamp.flags = flags | eventFlags.tombstone;
    this.#stamp.relationVersion = shape.version;
    packer.begin(this.#stamp, noBitmap);
    packer.out.bytes(this.#key.buffer, 0, this.#key.position);
    packer.beginValue(true);
    packer.end(true);
    this.#builder.held(packer.bytes - before_bytes);
  }

  #next(): void {
    const stamp = this.#stamp;
    stamp.ordinalLow = (stamp.ordinalLow + 1) >>> 0;
    if (stamp.ordinalLow === 0) stamp.ordinalHigh++;
  }
}
