import { type Lsn, lsnOf } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { describeByte } from '../wire/message-framer.js';
import type { WalHandler } from './wal-source.js';

const xLogData = 0x77; // w: start LSN, end LSN, clock, payload
const keepalive = 0x6b; // k: end LSN, clock, reply wanted
const xLogDataHeader_bytes = 25;
const keepalive_bytes = 18;

const u32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

export interface WalsenderEvents {
  readonly handler: WalHandler;
  /** The server asks for status now. */
  replyWanted(): void;
}

/** Takes the body of one CopyData message of a walsender. Source: PostgreSQL documentation 54.4. Throws MR-2011. */
export function dispatchWalsenderMessage(
  events: WalsenderEvents,
  bytes: Uint8Array,
  start: number,
  end: number,
): Promise<void> | undefined {
  const kind = bytes[start];
  if (kind === xLogData && end - start >= xLogDataHeader_bytes) {
    const payload = start + xLogDataHeader_bytes;
    return events.handler.payload(bytes, payload, end, u32(bytes, start + 1), u32(bytes, start + 5));
  }
  if (kind === keepalive && end - start === keepalive_bytes) {
    const at: Lsn = lsnOf(u32(bytes, start + 1), u32(bytes, start + 5));
    events.handler.keepalive(at);
    if (bytes[start + 17] !== 0) events.replyWanted();
    return undefined;
  }
  throw new Fault('MR-2011', {
    detail: `a walsender message of type ${end > start ? describeByte(kind as number) : 'nothing'} with ${end - start} bytes`,
  });
}
