import { fail } from 'node:assert';
import { lsn, type Position } from '@millrace/model';
import { type PackedRecords, RecordCursor, RecordPacker } from '../packed-records.js';
import type { Fence, Log, ReadRange } from '../port.js';
import { encodeRecord } from '../record-codec.js';
import type { BatchRecord, ClaimRecord, OpenRecord, RecordHead, RecordRange } from '../records.js';

const nonce_bytes = 16;
const noColumns = new Uint8Array(0);

/** A nonce that says which claim it is. */
export const nonceOf = (n: number): Uint8Array => new Uint8Array(nonce_bytes).fill(n);
export const fenceOf = (epoch: number, nonce = epoch): Fence => ({ epoch, nonce: nonceOf(nonce) });
export const at = (end: bigint, history = 0): Position => ({ history, end: lsn(end) });

export interface SampleEvent {
  readonly epoch?: number;
  readonly flags?: number;
  readonly commit: bigint;
  readonly ordinal: bigint;
  readonly key?: string;
  readonly value?: string;
}

/** Packs sample events as capture packs real ones. */
export function packEvents(events: readonly SampleEvent[]): PackedRecords {
  const packer = new RecordPacker(256);
  for (const event of events) {
    packer.begin(
      {
        flags: event.flags ?? 0,
        epoch: event.epoch ?? 1,
        commitHigh: Number(event.commit >> 32n),
        commitLow: Number(event.commit & 0xffff_ffffn),
        ordinalHigh: Number(event.ordinal >> 32n),
        ordinalLow: Number(event.ordinal & 0xffff_ffffn),
        relationVersion: 1,
      },
      noColumns,
    );
    packer.out.utf8(event.key ?? `k${event.ordinal}`);
    packer.beginValue(true);
    packer.out.utf8(event.value ?? `v${event.commit}.${event.ordinal}`);
    packer.end();
  }
  const { bytes, count } = packer.records();
  return { bytes: new Uint8Array(bytes), count };
}

/** `count` events of one commit. */
export const eventsOf = (commit: bigint, count: number, value?: string): PackedRecords =>
  packEvents(
    Array.from({ length: count }, (_, i) => ({
      commit,
      ordinal: BigInt(i),
      ...(value !== undefined && { value }),
    })),
  );

/** `commit.ordinal` of every record in a range. */
export async function readPlaces(log: Log, range: ReadRange, max_bytes = 1 << 20): Promise<string[]> {
  const places: string[] = [];
  const options = { signal: AbortSignal.timeout(readDeadline_ms), max_bytes };
  for await (const batch of log.read(range, options)) {
    const cursor = new RecordCursor(batch);
    let count = 0;
    while (cursor.next()) {
      count++;
      places.push(`${cursor.commit}.${cursor.ordinal}`);
    }
    if (count !== batch.count) fail(`a batch says ${batch.count} records and holds ${count}`);
  }
  return places;
}

const readDeadline_ms = 10_000;

export const headOf = (log: Log, fence: Fence, seq: bigint): RecordHead => ({
  logId: log.id,
  epoch: fence.epoch,
  nonce: fence.nonce,
  seq,
});

export function claimBytes(log: Log, fence: Fence): Uint8Array {
  const record: ClaimRecord = {
    ...headOf(log, fence, 0n),
    kind: 'claim',
    host: 'host',
    pid: 1,
    version: '0.1.0',
  };
  return encodeRecord(record);
}

export const openRecord = (head: RecordHead, position: Position): OpenRecord => ({
  ...head,
  kind: 'open',
  at: position,
  systemId: 7n,
  timeline: 1,
  ancestry: [],
  layout: [],
  snapshots: [],
  relations: [],
});

export const batchRecord = (
  head: RecordHead,
  from: Position,
  to: Position,
  ranges: readonly RecordRange[] = [],
): BatchRecord => ({
  ...head,
  kind: 'progress',
  from,
  to,
  eventsEpoch: head.epoch,
  firstCommit_us: 0n,
  lastCommit_us: 0n,
  transactions: ranges.length > 0 ? 1 : 0,
  events: ranges.reduce((sum, range) => sum + BigInt(range.count), 0n),
  ranges,
  barrier: false,
  snapshotDone: false,
});
