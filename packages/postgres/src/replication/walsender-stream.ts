import { assert, Fault } from '@millrace/runtime';
import { serverFault, troubleOf } from '../connection/server-fault.js';
import { endClient, type PgClient } from '../connection/session.js';
import { parseErrorResponse } from '../wire/error-response.js';
import { describeByte } from '../wire/message-framer.js';
import { SocketChannel } from '../wire/socket-channel.js';
import { liveness, type Patience, statusInterval_ms } from './liveness.js';
import { advance, nothingReceived, type StandbyPositions, standbyStatusMessage } from './standby-status.js';
import type { TimelineSwitch } from './timeline-history.js';
import type { WalHandler, WalStream } from './wal-source.js';
import type { WalsenderIdentity } from './walsender-identity.js';
import { dispatchWalsenderMessage, type WalsenderEvents } from './walsender-messages.js';

const message = {
  copyBoth: 0x57,
  data: 0x64,
  error: 0x45,
  copyDone: 0x63,
  complete: 0x43,
  ready: 0x5a,
} as const;
const notices = new Set([0x4e, 0x53]); // NoticeResponse, ParameterStatus

/**
 * One START_REPLICATION from its first byte to its last. States: starting → held (the walsender runs, the socket is
 * paused) → reading → over. Status is sent on the timer in all of them, so a slow sink never looks like a dead one.
 */
export class WalsenderStream implements WalStream {
  readonly systemId: bigint;
  readonly timeline: number;
  readonly ancestry: readonly TimelineSwitch[];
  /** Settles when the stream is over; never rejects. */
  readonly ended: Promise<void>;
  readonly #client: PgClient;
  readonly #channel: SocketChannel;
  readonly #patience: Patience;
  readonly #walSenderTimeout_ms: number;
  readonly #timer: NodeJS.Timeout;
  readonly #reading: Promise<void>;
  #startReading: () => void = () => undefined;
  #end: () => void = () => undefined;
  #started: { resolve(): void; reject(error: unknown): void } | undefined;
  #running: { resolve(): void; reject(error: unknown): void } | undefined;
  #events: WalsenderEvents | undefined;
  #failure: unknown;
  #over = false;
  #reported: StandbyPositions = nothingReceived;

  constructor(client: PgClient, identity: WalsenderIdentity, patience: Patience) {
    this.#client = client;
    this.#patience = patience;
    this.#walSenderTimeout_ms = identity.walSenderTimeout_ms;
    this.systemId = identity.systemId;
    this.timeline = identity.timeline;
    this.ancestry = identity.ancestry;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#reading = new Promise((resolve) => {
      this.#startReading = resolve;
    });
    this.#channel = new SocketChannel(client, {
      message: (type, bytes, start, end) => this.#onMessage(type, bytes, start, end),
      room: () => this.#events?.handler.room(),
      failed: (error) => this.#fail(error),
    });
    this.#timer = setInterval(() => this.#tick(), statusInterval_ms(identity.walSenderTimeout_ms));
  }

  /** Sends START_REPLICATION and waits until the walsender holds the slot. Rejects with the server's error. */
  start(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
      this.#channel.query(command);
    });
  }

  run(handler: WalHandler, signal: AbortSignal): Promise<void> {
    assert(this.#events === undefined, 'a replication stream is run once');
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const abort = (): void => this.#finish(undefined);
      const settled = (): void => signal.removeEventListener('abort', abort);
      this.#running = {
        resolve: () => {
          settled();
          resolve();
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#events = { handler, replyWanted: () => this.#sendStatus(false) };
      // It may have broken while it was held.
      if (this.#over) this.#running.reject(lost(this.#failure));
      else this.#startReading();
    });
  }

  report(positions: StandbyPositions): void {
    this.#reported = advance(this.#reported, positions);
    this.#patience.flushed(this.#reported.flush);
    this.#sendStatus(false);
  }

  async close(): Promise<void> {
    this.#finish(undefined);
    await endClient(this.#client);
  }

  #onMessage(type: number, bytes: Uint8Array, start: number, end: number): Promise<void> | undefined {
    if (type === message.data) {
      if (!this.#events) throw new Fault('MR-2011', { detail: 'data before the stream was started' });
      return dispatchWalsenderMessage(this.#events, bytes, start, end);
    }
    if (type === message.copyBoth) {
      this.#started?.resolve();
      this.#started = undefined;
      this.#sendStatus(false);
      // Held: nothing is read until `run`.
      return this.#reading;
    }
    if (type === message.error) throw parseErrorResponse(bytes, start, end);
    if (type === message.copyDone || type === message.complete || type === message.ready) {
      throw new Error('Connection terminated: the server ended the stream');
    }
    if (notices.has(type)) return undefined;
    throw new Fault('MR-2011', { detail: `message ${describeByte(type)} inside the replication stream` });
  }

  #tick(): void {
    const { lastRead_ms, waiting } = this.#channel;
    const dead_ms = this.#patience.deadAfter_ms(this.#walSenderTimeout_ms);
    const verdict = liveness(performance.now(), lastRead_ms, waiting, dead_ms);
    if (verdict === 'dead') {
      this.#patience.gaveUp();
      const silence_s = Math.round(dead_ms / 1000);
      this.#fail(
        new Fault('MR-2012', {
          detail: `the leader has not sent anything for ${silence_s} s, nor answered when asked`,
        }),
      );
      return;
    }
    this.#sendStatus(verdict === 'ask');
  }

  #sendStatus(wantsReply: boolean): void {
    if (this.#over || this.#started) return;
    this.#channel.send(standbyStatusMessage(this.#reported, Date.now(), wantsReply));
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#finish(error);
  }

  /** The only way out of every state. */
  #finish(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#channel.discard();
    this.#started?.reject(error ?? new Error('Connection terminated: closed while starting'));
    if (error === undefined) this.#running?.resolve();
    else this.#running?.reject(lost(error));
    this.#end();
  }
}

/** A connection that broke under way is MR-2012, whatever broke it; other errors of the server keep their meaning. */
function lost(error: unknown): unknown {
  // What a sink threw is its own and passes through as it is.
  if (
    error instanceof Fault ||
    (error instanceof Error && troubleOf(error) === 'unknown' && !('severity' in error))
  ) {
    return error;
  }
  if (troubleOf(error) !== 'unavailable') return serverFault('leader', error, 'streaming changes');
  const words = error instanceof Error ? error.message : String(error);
  return new Fault('MR-2012', { detail: `the replication connection broke: ${words}`, cause: error });
}
