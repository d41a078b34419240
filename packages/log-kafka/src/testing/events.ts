import {
  encodeRecord,
  type Log,
  type PackedRecords,
  type ReadRange,
  RecordCursor,
  RecordPacker,
} from '@millrace/log';

const noColumns = new Uint8Array(0);

/** `count` events of one commit, keys k0, k1 …; the last one a tombstone if asked for. */
export function eventsOf(commit: number, count: number, value = 'v', tombstone = false): PackedRecords {
  const packer = new RecordPacker(256);
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const isTombstone = tombstone && ordinal === count - 1;
    const stamp = { flags: isTombstone ? 1 : 0, epoch: 1, commitHigh: 0, commitLow: commit };
    packer.begin({ ...stamp, ordinalHigh: 0, ordinalLow: ordinal, relationVersion: 1 }, noColumns);
    packer.out.utf8(`k${ordinal}`);
    packer.beginValue(true);
    if (!isTombstone) packer.out.utf8(value);
    packer.end(isTombstone);
  }
  return packer.records();
}

/** `commit.ordinal` of every record in a range. */
export async function readPlaces(log: Log, range: ReadRange, within_ms = 10_000): Promise<string[]> {
  const places: string[] = [];
  const options = { signal: AbortSignal.timeout(within_ms), max_bytes: 1 << 20 };
  for await (const batch of log.read(range, options)) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) places.push(`${cursor.commit}.${cursor.ordinal}`);
  }
  return places;
}

const nonce = new Uint8Array(16).fill(1);
export const fence = { epoch: 1, nonce };

export const claimBytes = (log: Log): Uint8Array =>
  encodeRecord({ logId: log.id, ...fence, seq: 0n, kind: 'claim', host: 'test', pid: 1, version: '0' });
