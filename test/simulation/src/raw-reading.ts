import type { ReadEvents } from '@millrace/applier';
import { type BatchRecord, eventFlags, type Log, RecordCursor } from '@millrace/log';

/** Which rules of reading a record (§5) hold; all of them: what the protocol says. */
export interface ReadingRules {
  /** R18, 1: the header's epoch is the record's. */
  readonly epoch: boolean;
  /** R18, 2: the commit lies in the record's range. */
  readonly range: boolean;
  /** R18, 3: greater than the last kept. */
  readonly growing: boolean;
  /** As many as the record names, else a fault. */
  readonly count: boolean;
  /** R24: ranges merged by (commit, ordinal). */
  readonly merge: boolean;
}

export const allRules: ReadingRules = { epoch: true, range: true, growing: true, count: true, merge: true };

interface RawEvent {
  readonly topic: number;
  readonly commit: bigint;
  readonly ordinal: bigint;
  readonly record: Uint8Array;
}

/** A plain second reading of §5, rule by rule, from which single rules can be taken away. */
export function rawReading(rules: ReadingRules): ReadEvents {
  return async (log, record, topicName, sink, { signal }) => {
    const kept: RawEvent[] = [];
    for (const range of record.ranges) {
      const events = await readRange(log, record, range.topic, topicName(range.topic), range, rules, signal);
      if (rules.count && events.length !== range.count)
        throw new Error(`the record names ${range.count} events, ${events.length} are there`);
      kept.push(...events);
    }
    if (rules.merge) kept.sort((a, b) => compare(a.commit, b.commit) || compare(a.ordinal, b.ordinal));
    for (const event of kept) {
      const cursor = new RecordCursor(event.record);
      cursor.next();
      sink.event(event.topic, cursor);
      await sink.room?.();
    }
  };
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

async function readRange(
  log: Log,
  record: BatchRecord,
  topic: number,
  name: string,
  range: { readonly partition: number; readonly first: bigint; readonly last: bigint },
  rules: ReadingRules,
  signal: AbortSignal,
): Promise<RawEvent[]> {
  const kept: RawEvent[] = [];
  const { partition, first, last } = range;
  for await (const batch of log.read({ topic: name, partition, first, last }, { signal, max_bytes: 4096 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const { commit, ordinal } = cursor;
      const before = kept[kept.length - 1];
      if ((cursor.flags & eventFlags.tombstone) !== 0) continue;
      if (rules.epoch && cursor.epoch !== record.eventsEpoch) continue;
      if (rules.range && !isOwn(record, cursor)) continue;
      if (
        rules.growing &&
        before &&
        (compare(commit, before.commit) || compare(ordinal, before.ordinal)) <= 0
      )
        continue;
      kept.push({
        topic,
        commit,
        ordinal,
        record: Uint8Array.from(cursor.bytes.subarray(cursor.recordStart, cursor.recordEnd)),
      });
    }
  }
  return kept;
}

function isOwn(record: BatchRecord, { commit, ordinal, flags }: RecordCursor): boolean {
  const initial = (flags & eventFlags.initialChunk) !== 0;
  if (record.chunk && !record.chunk.window)
    return initial && commit === record.to.end && Number(ordinal >> 32n) === record.chunk.chunk;
  return !initial && commit >= record.from.end && commit < record.to.end;
}
