/** Places of a recorded stream: made up, so that a stream recorded anew is the same file. */
export const firstLsn_low = 0x0100_0000;
/** High half of every LSN of a recording. */
export const lsn_high = 1;
/** WAL that a message is said to take. */
export const message_bytes = 64;
/** What a commit record is said to take. */
export const commit_bytes = 48;

const begin = 0x42;
const commit = 0x43;
/** Byte offsets within the messages. Source: PostgreSQL documentation 54.9. */
const beginFinal = 1;
const beginTime = 9;
const beginXid = 17;
const commitLsn = 2;
const commitEnd = 10;
const commitTime = 18;

/** Microseconds since 2000 of the first commit: 2026-01-01. */
const firstCommit_us = 820_454_400_000_000n;
const firstXid = 1000;
const betweenCommits_us = 1000n;

export const isBegin = (payload: Uint8Array): boolean => payload[0] === begin;
export const isCommit = (payload: Uint8Array): boolean => payload[0] === commit;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const wide = (low: number): bigint => (BigInt(lsn_high) << 32n) | BigInt(low);

/** Low half of the LSN of payload number `index`. */
export const lsnLowOf = (index: number): number => firstLsn_low + index * message_bytes;

/** Puts made-up positions, times and transaction ids into the begins and commits of a stream, in place. */
export function place(payloads: readonly Uint8Array[]): void {
  let transaction = 0;
  for (let i = 0; i < payloads.length; i++) {
    const payload = payloads[i] as Uint8Array;
    if (!isBegin(payload)) continue;
    const end = payloads.findIndex((each, at) => at > i && isCommit(each));
    const time = firstCommit_us + BigInt(transaction) * betweenCommits_us;
    const opening = viewOf(payload);
    opening.setBigUint64(beginFinal, wide(lsnLowOf(end)));
    opening.setBigUint64(beginTime, time);
    opening.setUint32(beginXid, firstXid + transaction);
    const closing = viewOf(payloads[end] as Uint8Array);
    closing.setBigUint64(commitLsn, wide(lsnLowOf(end)));
    closing.setBigUint64(commitEnd, wide(lsnLowOf(end) + commit_bytes));
    closing.setBigUint64(commitTime, time);
    transaction++;
  }
}

/** Moves the LSNs of a begin or commit at `start` by `by` bytes, in place. */
export function shift(view: DataView, start: number, by: number): void {
  const type = view.getUint8(start);
  const fields = type === begin ? [beginFinal] : type === commit ? [commitLsn, commitEnd] : [];
  for (const field of fields) view.setUint32(start + field + 4, view.getUint32(start + field + 4) + by);
}
