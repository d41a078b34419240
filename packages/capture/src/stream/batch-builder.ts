import type { AppendedRange, PartitionBatch } from '@millrace/log';
import { RecordPacker } from '@millrace/log';
import type { Lsn } from '@millrace/model';
import { assert } from '@millrace/runtime';
import type { Shape } from './shape.js';

/** Packers that grew beyond this are given back to the runtime, bytes. */
const keptPacker_bytes = 8 * 1024 * 1024;
/** Packers kept for the next batch. */
const keptPackers = 64;

/** Events of one partition within a batch. */
export interface Slot {
  readonly topic: number;
  readonly name: string;
  readonly partition: number;
  readonly packer: RecordPacker;
  /** Events packed, tombstones left out. */
  events: number;
  /** Serial of the last transaction that wrote here, and what stood here before it. */
  transaction: number;
  mark_bytes: number;
  markRecords: number;
  markEvents: number;
}

/** Ranges of parts that went ahead of their record: filled in by the unit that appends them. */
export type PartRanges = Map<
  number,
  { topic: number; partition: number; first: bigint; last: bigint; count: number }
>;

export interface BatchPart {
  readonly slots: readonly Slot[];
  readonly bytes: number;
}

/** Whole transactions, ready to be published (R13). */
export interface SealedBatch extends BatchPart {
  readonly to: Lsn;
  readonly transactions: number;
  readonly events: number;
  readonly firstCommit_us: bigint;
  readonly lastCommit_us: bigint;
  readonly barrier: boolean;
  /** What the parts of a large transaction cover already. */
  readonly earlier: PartRanges;
}

const slotKey = (topic: number, partition: number): number => topic * 0x1_0000_0000 + partition;

/**
 * Gathers packed events of one batch after another: committed transactions, then at most one open one. Everything of the open
 * transaction can be told from the rest, so that a batch is cut before it at any time.
 */
export class BatchBuilder {
  #slots = new Map<number, Slot>();
  #free: RecordPacker[] = [];
  #transaction = 0;
  #open = false;
  #bytes = 0;
  /** Of those, committed. */
  #committed_bytes = 0;
  #transactions = 0;
  #committedEvents = 0;
  #events = 0;
  #to: Lsn | undefined;
  #firstCommit_us = 0n;
  #lastCommit_us = 0n;
  #barrier = false;
  #earlier: PartRanges = new Map();
  /** Topics in the parts of the open transaction that were taken. */
  readonly #taken = new Set<number>();

  /** Bytes packed and not yet sealed. */
  get bytes(): number {
    return this.#bytes;
  }

  get open_bytes(): number {
    return this.#bytes - this.#committed_bytes;
  }

  /** Committed transactions that wait to be sealed. */
  get transactions(): number {
    return this.#transactions;
  }

  get events(): number {
    return this.#events;
  }

  get inTransaction(): boolean {
    return this.#open;
  }

  get barrier(): boolean {
    return this.#barrier;
  }

  begin(): void {
    this.#transaction++;
    this.#open = true;
    if (this.#taken.size > 0) this.#taken.clear();
  }

  /** Whether the open transaction has written to a topic, parts that were taken included. */
  hasWritten(topic: number): boolean {
    if (!this.#open) return false;
    for (const slot of this.#slots.values())
      if (slot.topic === topic && slot.transaction === this.#transaction) return true;
    return this.#taken.has(topic);
  }

  /** The slot that an event of the open transaction is packed into. */
  slot(shape: Shape, partition: number): Slot {
    const cached = shape.slots[partition];
    if (cached && cached.owner === this && cached.slot.transaction === this.#transaction) return cached.slot;
    const key = slotKey(shape.number, partition);
    let slot = this.#slots.get(key);
    if (!slot) {
      slot = this.#newSlot(shape.number, shape.name, partition);
      this.#slots.set(key, slot);
    }
    if (slot.transaction !== this.#transaction) {
      slot.transaction = this.#transaction;
      slot.mark_bytes = slot.packer.bytes;
      slot.markRecords = slot.packer.count;
      slot.markEvents = slot.events;
    }
    shape.slots[partition] = { owner: this, slot };
    return slot;
  }

  /** Tells what an event added. */
  grew(bytes: number): void {
    this.#bytes += bytes;
    this.#events++;
  }

  /** Tells of bytes that are no event: a tombstone. */
  held(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The open transaction's record stands alone (R26). */
  markBarrier(): void {
    this.#barrier = true;
  }

  /** Takes the last commit back: it had no events, and a record of another kind moves the position over it. */
  dropEmptyTransaction(): void {
    assert(this.#transactions === 1 && this.#bytes === 0, 'a watermark shares its transaction with events');
    this.#transactions = 0;
    this.#to = undefined;
  }

  commit(end: Lsn, committedAt_us: bigint): void {
    this.#open = false;
    this.#transactions++;
    if (this.#transactions === 1) this.#firstCommit_us = committedAt_us;
    this.#lastCommit_us = committedAt_us;
    this.#to = end;
    this.#committed_bytes = this.#bytes;
    this.#committedEvents = this.#events;
  }

  /**
   * Seals what is committed; the open transaction, if any, stays and begins the next batch. Undefined when nothing is committed.
   */
  seal(): SealedBatch | undefined {
    if (this.#transactions === 0 || this.#to === undefined) return undefined;
    const slots = this.#open ? this.#splitSlots() : [...this.#slots.values()];
    if (!this.#open) this.#slots = new Map();
    const sealed: SealedBatch = {
      slots,
      bytes: this.#committed_bytes,
      to: this.#to,
      transactions: this.#transactions,
      events: this.#committedEvents,
      firstCommit_us: this.#firstCommit_us,
      lastCommit_us: this.#lastCommit_us,
      barrier: this.#open ? false : this.#barrier,
      earlier: this.#earlier,
    };
    if (!this.#open) this.#barrier = false;
    this.#bytes -= this.#committed_bytes;
    this.#events -= this.#committedEvents;
    this.#committed_bytes = 0;
    this.#committedEvents = 0;
    this.#transactions = 0;
    this.#to = undefined;
    this.#earlier = new Map();
    this.#forgetCached();
    return sealed;
  }

  /**
   * Takes what the open transaction has packed so far, to be appended ahead of its record. Nothing committed may wait. The appended
   * ranges go into the second value, which the transaction's batch brings along.
   */
  takePart(): { readonly part: BatchPart; readonly ranges: PartRanges } {
    const part: BatchPart = { slots: [...this.#slots.values()], bytes: this.#bytes };
    for (const { topic } of part.slots) this.#taken.add(topic);
    this.#slots = new Map();
    this.#bytes = 0;
    this.#forgetCached();
    return { part, ranges: this.#earlier };
  }

  /** Takes packers back for reuse. */
  recycle(part: BatchPart): void {
    for (const { packer } of part.slots) {
      if (this.#free.length >= keptPackers || packer.out.buffer.length > keptPacker_bytes) continue;
      packer.reset();
      this.#free.push(packer);
    }
  }

  /** Committed heads as slots of their own; tails of the open transaction move into fresh packers. */
  #splitSlots(): Slot[] {
    const heads: Slot[] = [];
    const tails = new Map<number, Slot>();
    for (const [key, slot] of this.#slots) {
      if (slot.transaction !== this.#transaction) {
        heads.push(slot);
        continue;
      }
      const { bytes, count } = slot.packer.records();
      const tail = this.#newSlot(slot.topic, slot.name, slot.partition);
      tail.transaction = this.#transaction;
      tail.packer.adopt({ bytes: bytes.subarray(slot.mark_bytes), count: count - slot.markRecords });
      tail.events = slot.events - slot.markEvents;
      tails.set(key, tail);
      if (slot.markRecords > 0) {
        const head = this.#newSlot(slot.topic, slot.name, slot.partition);
        head.packer.adopt({ bytes: bytes.subarray(0, slot.mark_bytes), count: slot.markRecords });
        head.events = slot.markEvents;
        heads.push(head);
      }
      this.recycle({ slots: [slot], bytes: 0 });
    }
    this.#slots = tails;
    return heads;
  }

  #newSlot(topic: number, name: string, partition: number): Slot {
    return {
      topic,
      name,
      partition,
      packer: this.#free.pop() ?? new RecordPacker(),
      events: 0,
      transaction: 0,
      mark_bytes: 0,
      markRecords: 0,
      markEvents: 0,
    };
  }

  /** Slots cached in shapes belong to the batch before: a new serial makes them miss. */
  #forgetCached(): void {
    const before = this.#transaction++;
    for (const slot of this.#slots.values())
      if (slot.transaction === before) slot.transaction = this.#transaction;
  }
}

/** The batches of one append. */
export const partitionBatches = ({ slots }: BatchPart): PartitionBatch[] =>
  slots.map(({ name, partition, packer }) => ({ topic: name, partition, records: packer.records() }));

/** Adds the acknowledged ranges of a part to those before. */
export function addRanges(to: PartRanges, { slots }: BatchPart, ranges: readonly AppendedRange[]): void {
  for (const { topic, name, partition, events } of slots) {
    const range = ranges.find((each) => each.topic === name && each.partition === partition);
    if (!range) continue;
    const key = slotKey(topic, partition);
    const before = to.get(key);
    to.set(key, {
      topic,
      partition,
      first: before ? before.first : range.first,
      last: range.last,
      count: events + (before?.count ?? 0),
    });
  }
}
