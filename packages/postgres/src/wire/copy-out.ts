import { Fault } from '@millrace/runtime';
import { serverFault } from '../connection/server-fault.js';
import type { PgSession } from '../connection/session.js';
import { parseErrorResponse } from './error-response.js';
import { describeByte } from './message-framer.js';
import { SocketChannel } from './socket-channel.js';

export interface CopyOutReader {
  /** One row as COPY's text format has it, its newline included; valid during the call only. */
  row(bytes: Uint8Array, start: number, end: number): void;
  /** Asked after every read. */
  room(): Promise<void> | undefined;
}

const message = { copyOut: 0x48, data: 0x64, done: 0x63, complete: 0x43, error: 0x45, ready: 0x5a } as const;
const notices = new Set([0x4e, 0x53, 0x41]); // NoticeResponse, ParameterStatus, NotificationResponse

/**
 * Waits until `pg` has read everything that belongs to earlier statements. It rejects a failed one at its ErrorResponse,
 * while the server's ReadyForQuery may still be under way in a packet of its own: a channel that took over then saw it as
 * the end of the COPY, before the first row.
 */
async function settleEarlierStatements(session: PgSession, doing: string): Promise<void> {
  await session.query(doing, '');
}

/**
 * Runs `COPY … TO STDOUT` (text format) and hands over its rows. Resolves when the server is ready for the next
 * statement; rejects with a fault. An aborted `signal` or a throwing reader cuts the connection: the session is of no
 * use afterwards.
 */
export async function copyOut(
  session: PgSession,
  doing: string,
  sql: string,
  reader: CopyOutReader,
  signal?: AbortSignal,
): Promise<void> {
  await settleEarlierStatements(session, doing);
  await readCopy(session, doing, sql, reader, signal);
}

function readCopy(
  session: PgSession,
  doing: string,
  sql: string,
  reader: CopyOutReader,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let refused: Error | undefined;
    let complete = false;
    const settle = (error?: unknown): void => {
      signal?.removeEventListener('abort', abort);
      if (error === undefined) resolve();
      else reject(error instanceof Fault ? error : serverFault(session.role, error, doing));
    };
    const handle = (type: number, bytes: Uint8Array, start: number, end: number): undefined => {
      if (type === message.data) reader.row(bytes, start, end);
      else if (type === message.error) refused = parseErrorResponse(bytes, start, end);
      else if (type === message.complete) complete = true;
      else if (type === message.ready && (complete || refused)) {
        channel.release();
        settle(refused);
      } else if (type !== message.copyOut && type !== message.done && !notices.has(type)) {
        // A ReadyForQuery before the COPY has ended too: rows would be missing without anyone knowing (promise 1).
        throw new Fault('MR-2011', { detail: `message ${describeByte(type)} inside a COPY, while ${doing}` });
      }
      return undefined;
    };
    const channel = new SocketChannel(session.client, {
      message: handle,
      room: () => reader.room(),
      failed: (error) => {
        channel.destroy();
        settle(error);
      },
    });
    const abort = (): void => {
      channel.destroy();
      settle(new Fault('MR-2012', { detail: `stopped while ${doing}` }));
    };
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort, { once: true });
    channel.query(sql);
  });
}
