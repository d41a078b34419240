import type { Lsn } from '@millrace/model';
import type { StandbyPositions } from './standby-status.js';

/**
 * Port: a walsender that decodes one slot. Behind it stands whatever carries the connection
 * (`library-wal-source.ts`); decoding the payload is the caller's.
 *
 * - `open` holds the slot when it resolves: the walsender runs, the socket is not read yet, status is sent on a timer.
 * - `run` reads. It resolves when `signal` aborts and rejects when the connection or a handler fails. Once per stream.
 * - `close` is idempotent and frees the slot.
 */
export interface WalSource {
  open(request: WalRequest): Promise<WalStream>;
}

export interface WalRequest {
  readonly slot: string;
  /** Options of the output plugin, values unquoted. */
  readonly options: Readonly<Record<string, string>>;
}

export interface WalStream {
  readonly systemId: bigint;
  readonly timeline: number;
  readonly ancestry: readonly { readonly timeline: number; readonly switchLsn: Lsn }[];
  run(handler: WalHandler, signal: AbortSignal): Promise<void>;
  /** Sends status at once, and repeats it on the timer. */
  report(positions: StandbyPositions): void;
  close(): Promise<void>;
}

export interface WalHandler {
  /**
   * One payload of the output plugin at `bytes[start … end)`, valid during the call only, with the LSN of its WAL record
   * as two unsigned 32-bit halves. A promise stops the stream until it resolves.
   */
  payload(
    bytes: Uint8Array,
    start: number,
    end: number,
    lsnHigh: number,
    lsnLow: number,
  ): Promise<void> | undefined;
  /** The server has sent everything before `at`. */
  keepalive(at: Lsn): void;
  /** Asked after every read: a promise stops reading until it resolves. */
  room(): Promise<void> | undefined;
}
