import type { RecordCursor } from './packed-records.js';
import type { Log, ReadRange } from './port.js';
import { compareEvents, ownershipOf, RangeCursor } from './range-cursor.js';
import type { BatchRecord } from './records.js';

/** Takes a record's events one by one, in (commit, ordinal) order. */
export interface EventSink {
  /** `event` is a flyweight: it and its bytes are valid only during the call. `topic` is the layout's number. */
  event(topic: number, event: RecordCursor): void;
  /** Undefined: go on. A promise: wait until it resolves (backpressure in bytes). Asked after every event. */
  room?(): Promise<void> | undefined;
}

export interface RecordReadOptions {
  readonly signal: AbortSignal;
  /** Memory for the batches at hand, all ranges together. Each range gets at least 16 kB. */
  readonly max_bytes: number;
  /** Called when an event that the record names is not there yet. */
  readonly onWait?: (range: ReadRange) => void;
}

const perRange_bytes_min = 16 * 1024;

/**
 * Hands the events that `record` names to `sink`, each once, merged over its ranges by (commit, ordinal) (§5, R24). Resolves
 * only when every range holds exactly as many as the record says: what the sink received before may be written, but never
 * committed (R18). Aborted by `signal` it rejects with the signal's reason. Faults: MR-3003, MR-3004, MR-3011, MR-3012.
 */
export async function readRecordEvents(
  log: Log,
  record: BatchRecord,
  topicName: (topic: number) => string,
  sink: EventSink,
  options: RecordReadOptions,
): Promise<void> {
  if (record.ranges.length === 0) return;
  const own = ownershipOf(record);
  const max_bytes = Math.max(perRange_bytes_min, Math.floor(options.max_bytes / record.ranges.length));
  const cursors = record.ranges.map((range) => {
    const { partition, first, last } = range;
    const batches = log.read(
      { topic: topicName(range.topic), partition, first, last },
      { ...options, max_bytes },
    );
    return new RangeCursor(range, own, batches[Symbol.asyncIterator]());
  });
  try {
    if (cursors.length === 1) await drain(cursors[0] as RangeCursor, sink, options.signal);
    else await merge(cursors, sink, options.signal);
  } finally {
    for (const cursor of cursors) await cursor.close();
  }
  options.signal.throwIfAborted();
}

/** One range needs no merge. */
async function drain(cursor: RangeCursor, sink: EventSink, signal: AbortSignal): Promise<void> {
  const { topic } = cursor.range;
  while (await advance(cursor, signal)) {
    do {
      sink.event(topic, cursor.event);
      const room = sink.room?.();
      if (room) {
        await room;
        signal.throwIfAborted();
      }
    } while (cursor.step());
  }
}

/** K-way merge: a binary heap of the ranges, least present event on top. */
async function merge(cursors: readonly RangeCursor[], sink: EventSink, signal: AbortSignal): Promise<void> {
  const heap: RangeCursor[] = [];
  for (const cursor of cursors) if (await advance(cursor, signal)) heap.push(cursor);
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(heap, i);
  while (heap.length > 0) {
    const top = heap[0] as RangeCursor;
    sink.event(top.range.topic, top.event);
    const room = sink.room?.();
    if (room) {
      await room;
      signal.throwIfAborted();
    }
    if (!top.step() && !(await advance(top, signal))) {
      const last = heap.pop() as RangeCursor;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    siftDown(heap, 0);
  }
}

/** A read that ends because it was aborted must not look like a range that is too short. */
async function advance(cursor: RangeCursor, signal: AbortSignal): Promise<boolean> {
  try {
    return await cursor.advance();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

function siftDown(heap: RangeCursor[], from: number): void {
  const item = heap[from] as RangeCursor;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (
      child + 1 < heap.length &&
      compareEvents((heap[child + 1] as RangeCursor).event, (heap[child] as RangeCursor).event) < 0
    )
      child++;
    const candidate = heap[child] as RangeCursor;
    if (compareEvents(candidate.event, item.event) >= 0) break;
    heap[at] = candidate;
    at = child;
  }
  heap[at] = item;
}
