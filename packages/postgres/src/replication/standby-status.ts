import { type Lsn, lsnZero, maxLsn } from '@millrace/model';

/** Positions a standby reports: received, durable, applied. */
export interface StandbyPositions {
  readonly write: Lsn;
  readonly flush: Lsn;
  readonly apply: Lsn;
}

export const nothingReceived: StandbyPositions = { write: lsnZero, flush: lsnZero, apply: lsnZero };

/** What is to be reported after `next`: none of the positions ever goes back. */
export function advance(present: StandbyPositions, next: StandbyPositions): StandbyPositions {
  return {
    write: maxLsn(present.write, next.write),
    flush: maxLsn(present.flush, next.flush),
    apply: maxLsn(present.apply, next.apply),
  };
}

/** Microseconds between the Unix epoch and PostgreSQL's, 2000-01-01. */
export const postgresEpoch_us = 946_684_800_000_000n;

const body_bytes = 34;
const copyData = 0x64;

/**
 * A CopyData message with a standby status update: 'r', write, flush, apply, clock (microseconds since 2000), and whether
 * the server shall answer at once. The positions are sent as they stand: the end of a commit is one past its last
 * byte already, and adding one more loses the next commit (R2). Source: PostgreSQL documentation 54.4.
 */
export function standbyStatusMessage(
  positions: StandbyPositions,
  now_ms: number,
  wantsReply: boolean,
): Uint8Array {
  const message = Buffer.allocUnsafe(5 + body_bytes);
  message[0] = copyData;
  message.writeInt32BE(4 + body_bytes, 1);
  message[5] = 0x72; // r
  message.writeBigUInt64BE(positions.write, 6);
  message.writeBigUInt64BE(positions.flush, 14);
  message.writeBigUInt64BE(positions.apply, 22);
  message.writeBigInt64BE(BigInt(Math.round(now_ms)) * 1000n - postgresEpoch_us, 30);
  message[38] = wantsReply ? 1 : 0;
  return message;
}
