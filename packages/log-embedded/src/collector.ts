import { setImmediate as turn } from 'node:timers/promises';
import { decodeRecord, FollowerReports, type Log, type TrimRequest } from '@millrace/log';
import { partitionRow, putPartition } from './append.js';
import type { Retention, RetentionOutcome } from './options.js';
import { holdsOf, isBeyond } from './retention.js';
import {
  chunkBound,
  decodePartition,
  decodeProgress,
  type OpenPart,
  offsetKey,
  parseChunkKey,
} from './rows.js';
import type { Store } from './store.js';

export interface CollectAccess {
  readonly store: Store;
  write<T>(bytes: number, section: () => T): Promise<T>;
}

/** Entries removed per transaction: bounds its dirty pages and how long it holds the lock. */
const removals_max = 1_000;
/** Records looked at in one snapshot: a few milliseconds. */
const records_max = 1_000;

interface Cut {
  progressBefore: bigint;
  freed_bytes: number;
  /** Next offset to keep per event partition, by `topic/partition`. */
  readonly events: Map<string, OpenPart>;
  /** The walk ended at its own bound, not at retention's. */
  more: boolean;
}

/** Removes what retention lets go: old progress records, and the events that only they name. */
export async function applyRetention(
  access: CollectAccess,
  log: Log,
  retention: Retention,
  now_ms: number,
): Promise<RetentionOutcome> {
  const reports = new FollowerReports(log);
  const anchor = await reports.readAnchor();
  const followers = (await reports.list()).map(({ follower, anchor }) => ({
    follower,
    offset: anchor.offset,
  }));
  const holds = holdsOf(anchor?.offset, followers, retention.followers);
  const { store } = access;
  const outcome = { progressBefore: store.read(() => store.marks().low), freed_bytes: 0 };
  for (let more = true; more; ) {
    const cut = store.read(() => findCut(store, holds.before ?? 0n, retention, now_ms));
    more = cut.more;
    if (cut.progressBefore === 0n) break;
    await raiseLows(access, cut.progressBefore, [...cut.events.values()]);
    outcome.progressBefore = cut.progressBefore;
    outcome.freed_bytes += cut.freed_bytes;
  }
  return { ...outcome, ...(holds.heldBy !== undefined && { heldBy: holds.heldBy }) };
}

/** Walks the oldest records as long as they are beyond retention. */
function findCut(store: Store, before: bigint, retention: Retention, now_ms: number): Cut {
  const marks = store.marks();
  let used_bytes = marks.bytes + marks.event_bytes;
  const cut: Cut = { progressBefore: 0n, freed_bytes: 0, events: new Map(), more: false };
  let open: readonly OpenPart[] = [];
  let looked = 0;
  for (const { key, value } of store.progress.getRange({
    start: offsetKey(marks.low),
    end: offsetKey(before),
  })) {
    const offset = key.readBigUInt64BE(0);
    const row = decodeProgress(value, offset);
    const aged = { ...row, record_bytes: value.length };
    if (!isBeyond(aged, used_bytes, now_ms, retention)) break;
    if (looked++ === records_max) {
      cut.more = true;
      break;
    }
    used_bytes -= row.event_bytes + value.length;
    cut.freed_bytes += row.event_bytes + value.length;
    cut.progressBefore = offset + 1n;
    open = row.open;
    const record = decodeRecord(row.record);
    if (record.kind !== 'progress') continue;
    for (const range of record.ranges) {
      const topic = store.topicOfNumber(range.topic);
      if (topic === undefined) continue;
      const name = `${topic}/${range.partition}`;
      const first = range.last + 1n;
      if ((cut.events.get(name)?.first ?? 0n) < first)
        cut.events.set(name, { topic, partition: range.partition, first });
    }
  }
  // Parts that were waiting for a later record when the last one that goes was written stay.
  for (const part of open) {
    const name = `${part.topic}/${part.partition}`;
    const planned = cut.events.get(name);
    if (planned && planned.first > part.first) cut.events.set(name, part);
  }
  return cut;
}

/** Trims as asked: low watermarks first, in one transaction, so that no reader finds a gap; then the space, bit by bit. */
export async function trimLog(access: CollectAccess, request: TrimRequest): Promise<void> {
  const { store } = access;
  const parts = store.read(() =>
    request.eventsBefore.flatMap(({ topic, partition, offset }) => {
      const row = store.topic(topic);
      return row && partition < row.partitions ? [{ topic: row.id, partition, first: offset }] : [];
    }),
  );
  await raiseLows(access, request.progressBefore, parts);
}

async function raiseLows(
  access: CollectAccess,
  progressBefore: bigint,
  parts: readonly OpenPart[],
): Promise<void> {
  const { store } = access;
  await access.write(0, () => {
    const marks = store.marks();
    marks.low = raised(marks.low, progressBefore, marks.next);
    store.putMarks(marks);
    for (const { topic, partition, first } of parts) {
      const row = partitionRow(store, topic, partition);
      row.low = raised(row.low, first, row.next);
      if (row.covered < row.low) row.covered = row.low;
      putPartition(store, topic, partition, row);
    }
  });
  while (await access.write(0, () => removeRecords(store))) await turn();
  for (const { topic, partition } of parts)
    while (
      await access.write(0, () => removeChunks(store, topic, partition, 0n, lowOf(store, topic, partition)))
    );
}

/** At a claim: events above `covered` were appended for records that never came. Nobody can append to them any more. */
export async function collectOrphans(access: CollectAccess): Promise<void> {
  const { store } = access;
  const orphans = store.read(() => {
    const found: { topic: number; partition: number; from: bigint; to: bigint }[] = [];
    for (const { key, value } of store.partitions.getRange({})) {
      const row = decodePartition(value);
      if (row.covered < row.next)
        found.push({
          topic: key.readUInt32BE(0),
          partition: key.readUInt32BE(4),
          from: row.covered,
          to: row.next,
        });
    }
    return found;
  });
  for (const { topic, partition, from, to } of orphans)
    while (await access.write(0, () => removeChunks(store, topic, partition, from, to))) await turn();
}

const raised = (low: bigint, wanted: bigint, high: bigint): bigint =>
  wanted <= low ? low : wanted < high ? wanted : high;

const lowOf = (store: Store, topic: number, partition: number): bigint =>
  partitionRow(store, topic, partition).low;

/** Removes records below the low watermark; true when there may be more. */
function removeRecords(store: Store): boolean {
  const marks = store.marks();
  const keys: Buffer[] = [];
  for (const { key, value } of store.progress.getRange({ end: offsetKey(marks.low), limit: removals_max })) {
    keys.push(key);
    marks.bytes -= value.length;
  }
  for (const key of keys) store.progress.removeSync(key);
  if (keys.length > 0) store.putMarks(marks);
  return keys.length === removals_max;
}

/** Removes chunks that lie wholly in from … to; true when there may be more. */
function removeChunks(store: Store, topic: number, partition: number, from: bigint, to: bigint): boolean {
  const range = { start: chunkBound(topic, partition, from), end: chunkBound(topic, partition, to) };
  const gone: { key: Buffer; bytes: number }[] = [];
  for (const key of store.events.getKeys({ ...range, limit: removals_max })) {
    const { first, count, bytes } = parseChunkKey(key);
    if (first + BigInt(count) <= to) gone.push({ key, bytes });
  }
  if (gone.length === 0) return false;
  const row = partitionRow(store, topic, partition);
  const marks = store.marks();
  for (const { key, bytes } of gone) {
    store.events.removeSync(key);
    row.bytes -= bytes;
    marks.event_bytes -= bytes;
  }
  putPartition(store, topic, partition, row);
  store.putMarks(marks);
  return gone.length === removals_max;
}
