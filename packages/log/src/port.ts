import type { PackedRecords } from './packed-records.js';

/**
 * Port: a log of partitions, fit for Kafka and for one machine. The protocol (claims, records, what counts) stands in
 * this package above the port; an adapter only stores bytes in order. Its contract:
 *
 * - An acknowledged append survives a crash of any process and of the machine, and every partition keeps one order.
 * - Offsets grow strictly within a partition but may have holes; nothing is concluded from an offset's presence (R19).
 * - At most one append per partition is outstanding at a time (R10). Appends may be ambiguous: then they reject with
 *   MR-3013 and may still take effect later; the caller gives up its epoch and reads back (R12).
 * - A conditional append is *not* promised. An adapter that can check `Fence` in its write transaction does, and rejects
 *   with MR-2009; one that cannot writes anyway, and readers find the records void (§3).
 * - Readers see only what is durable. Reads never reset silently: below the low watermark is MR-3003.
 * - All methods may run in parallel unless said otherwise. `close` ends outstanding waits, is idempotent.
 */
export interface Log {
  /** 16 random bytes, made with the log. */
  readonly id: Uint8Array;
  /** True: progress records stay until `trim` is called, which capture does (§10). False: the log has a retention of its own. */
  readonly needsTrim: boolean;
  /** The single partition of progress records. Never compacted, no retention but `trim`. */
  readonly progress: ProgressPartition;
  /** Existing event topics with their partition counts. */
  topics(): Promise<readonly TopicInfo[]>;
  /** Creates a topic; one that exists already with as many partitions is fine, another count is MR-3005. */
  createTopic(name: string, partitions: number): Promise<void>;
  /** First retained offset and next offset to be written (the fetchable end). */
  watermarks(topic: string, partition: number): Promise<Watermarks>;
  /** An appender for one epoch. The fence is that of a claim that counts. */
  appender(fence: Fence): Appender;
  /**
   * Reads a range until the fetch position passes `last`, waiting (visibly, via `onWait`) while the high watermark is at or
   * below `last`. Yields batches in offset order; `bytes` of a batch are valid until the next one is asked for. Records
   * outside first…last are not yielded. Low watermark above `first`: MR-3003.
   */
  read(range: ReadRange, options: ReadOptions): AsyncIterable<PackedRecords>;
  /** A small compacted table kept in the log: the latest value per key. */
  table(name: string): LogTable;
  /** Applies retention: see the adapter. Progress records before `progressBefore` may go, events that only they name too. */
  trim(request: TrimRequest): Promise<void>;
  /** What this handle waits for at present, for people (promise 10): the reason of its longest wait. Undefined when nothing holds it up. */
  waiting(): string | undefined;
  close(): Promise<void>;
}

export interface TopicInfo {
  readonly name: string;
  readonly partitions: number;
}

export interface Watermarks {
  readonly low: bigint;
  readonly high: bigint;
}

/** Identity of a claim: an append under another claim's fence is refused where the log can, void where it cannot. */
export interface Fence {
  readonly epoch: number;
  readonly nonce: Uint8Array;
}

export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  /** Not read after the append settles: callers reuse the memory. */
  readonly records: PackedRecords;
}

/** Offsets of the counted and uncounted records of one append to one partition, both inclusive. */
export interface AppendedRange {
  readonly topic: string;
  readonly partition: number;
  readonly first: bigint;
  readonly last: bigint;
}

export interface Appender {
  /** Appends events ahead of their record (parts of a large transaction). Resolves when all are durable. */
  append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]>;
  /**
   * Appends the last events and then their progress record, R11: the record is written only when all events are
   * acknowledged. `record` receives the ranges of *these* batches and returns the record's bytes. Resolves with the
   * record's offset once it is durable. An adapter with transactions writes both at once. `batches` may be empty.
   */
  publish(
    batches: readonly PartitionBatch[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published>;
}

export interface Published {
  readonly offset: bigint;
  readonly ranges: readonly AppendedRange[];
}

export interface ProgressPartition {
  /** Appends a claim: the one record that is written without a fence. Resolves with its offset when durable. */
  appendClaim(bytes: Uint8Array, fence: Fence): Promise<bigint>;
  /** Records from offset `from` on, at most about `max_bytes` (at least one if there is any), without waiting. Below the low watermark: MR-3003. */
  read(from: bigint, max_bytes: number): Promise<ProgressChunk>;
  watermarks(): Promise<Watermarks>;
  /** Resolves when the high watermark is above `offset`, or `signal` aborts. Wakes across processes. */
  wait(offset: bigint, signal: AbortSignal): Promise<void>;
}

export interface ProgressChunk {
  readonly records: readonly { readonly offset: bigint; readonly bytes: Uint8Array }[];
  /** Where to read on. */
  readonly next: bigint;
}

export interface ReadRange {
  readonly topic: string;
  readonly partition: number;
  readonly first: bigint;
  readonly last: bigint;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Upper bound of one yielded batch, in bytes; one larger record is still yielded alone. */
  readonly max_bytes: number;
  /** Called when the read has to wait for events that the record names but the partition does not show yet. */
  readonly onWait?: (range: ReadRange) => void;
}

/** Latest value per key, durable, readable by every process on the log. Last writer wins. */
export interface LogTable {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  entries(): Promise<readonly (readonly [string, Uint8Array])[]>;
}

export interface TrimRequest {
  /** Least progress offset that a registered anchor still needs. */
  readonly progressBefore: bigint;
  /** First offset to keep, per event partition. */
  readonly eventsBefore: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: bigint;
  }[];
}
