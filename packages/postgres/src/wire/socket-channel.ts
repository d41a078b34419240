import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { PgClient } from '../connection/session.js';
import { MessageFramer, type MessageHandler } from './message-framer.js';
import { ReusingSocket } from './reusing-socket.js';

export interface ChannelHandler {
  message: MessageHandler;
  /** Asked after every read: a promise stops reading until it resolves (backpressure in bytes). */
  room(): Promise<void> | undefined;
  /** The connection broke or ended, or a handler threw. Called once; nothing follows. */
  failed(error: unknown): void;
}

/** A turn that brought so much means that more is waiting: go on at once. TLS spends some of each read on its records. */
const fullRead_bytes = 64 * 1024;
const fullTlsRead_bytes = 32 * 1024;
/** Lets the sender's small writes gather into one read. */
const gather_ms = 1;
/** Reads in quick succession that are taken at once: a lone small transaction waits for nobody. */
const promptReads_max = 3;
/** A sender that was silent for so long is not busy. */
const calm_ms = 5;

/**
 * The socket of a connected `pg` client, taken over from its parser: bytes are framed in place, no object is made per
 * message, and reads are gathered. The walsender writes every message with a system call of its own; a reader that
 * wakes for each costs several times the processor time and slows the sender (measured: 1.8–3.4 against 0.3 CPU seconds
 * per million rows, and half the throughput).
 *
 * Take it only while no query is under way. `release` gives the socket back to the client's parser.
 */
export class SocketChannel {
  readonly #socket: Socket;
  readonly #handler: ChannelHandler;
  readonly #framer: MessageFramer;
  readonly #parsers: readonly ((...args: unknown[]) => void)[];
  readonly #full_bytes: number;
  #gathering: NodeJS.Timeout | undefined;
  #turnEnd: NodeJS.Immediate | undefined;
  #turn_bytes = 0;
  #waiting = false;
  #ended = false;
  #promptReads = 0;
  #lastRead_ms = performance.now();

  constructor(client: PgClient, handler: ChannelHandler) {
    this.#socket = (client as unknown as { connection: { stream: Socket } }).connection.stream;
    this.#full_bytes = this.#socket instanceof TLSSocket ? fullTlsRead_bytes : fullRead_bytes;
    this.#handler = handler;
    this.#framer = new MessageFramer((type, bytes, start, end) => handler.message(type, bytes, start, end));
    this.#parsers = this.#socket.listeners('data') as ((...args: unknown[]) => void)[];
    this.#socket.removeAllListeners('data');
    if (this.#socket instanceof ReusingSocket) this.#socket.readInto(this.#onData);
    else this.#socket.on('data', this.#onData);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
  }

  /** True while nothing is read because a handler asked for it; silence then tells nothing about the server. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Monotonic time of the last read. */
  get lastRead_ms(): number {
    return this.#lastRead_ms;
  }

  /** Sends a statement over the simple query protocol. */
  query(sql: string): void {
    const text = Buffer.from(sql, 'utf8');
    const message = Buffer.allocUnsafe(text.length + 6);
    message[0] = 0x51; // Q
    message.writeInt32BE(text.length + 5, 1);
    text.copy(message, 5);
    message[message.length - 1] = 0;
    this.send(message);
  }

  send(message: Uint8Array): void {
    if (!this.#ended && this.#socket.writable) this.#socket.write(message);
  }

  /** Hands the socket back to `pg`. */
  release(): void {
    this.#end();
    for (const parser of this.#parsers) this.#socket.on('data', parser);
    this.#socket.resume();
  }

  /** Stops delivering and lets the rest flow away, so that the connection can end in good order. */
  discard(): void {
    this.#end();
    this.#socket.on('data', () => undefined);
    this.#socket.resume();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#end();
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    const now = performance.now();
    if (now - this.#lastRead_ms > calm_ms) this.#promptReads = 0;
    this.#lastRead_ms = now;
    try {
      this.#next(this.#framer.push(chunk), chunk.length);
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onError = (error: Error): void => this.#fail(error);
  readonly #onClose = (): void => this.#fail(new Error('Connection terminated unexpectedly'));

  #next(wait: Promise<void> | undefined, read_bytes: number): void {
    if (this.#ended) return;
    if (wait) {
      this.#waitFor(wait, () => this.#next(this.#framer.proceed(), read_bytes));
      return;
    }
    const room = this.#handler.room();
    if (room) this.#waitFor(room, () => this.#socket.resume());
    else this.#pace(read_bytes);
  }

  #waitFor(promise: Promise<void>, then: () => void): void {
    this.#waiting = true;
    this.#socket.pause();
    promise.then(
      () => {
        if (this.#ended) return;
        this.#waiting = false;
        this.#lastRead_ms = performance.now();
        try {
          then();
        } catch (error) {
          this.#fail(error);
        }
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /**
   * Decided once per turn of the event loop: TLS hands out every record by itself, so that a pause after each would cost a
   * millisecond per row (measured: 20,000 rows in 24 s).
   */
  #pace(read_bytes: number): void {
    this.#turn_bytes += read_bytes;
    // Also after a wait, which paused it.
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#turnEnd) return;
    if (this.#promptReads < promptReads_max) {
      this.#promptReads++;
      this.#turn_bytes = 0;
      return;
    }
    this.#turnEnd = setImmediate(() => {
      this.#turnEnd = undefined;
      const full = this.#turn_bytes >= this.#full_bytes;
      this.#turn_bytes = 0;
      if (full || this.#waiting || this.#ended) return;
      this.#socket.pause();
      this.#gathering = setTimeout(() => this.#socket.resume(), gather_ms);
    });
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#handler.failed(error);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#gathering);
    clearImmediate(this.#turnEnd);
    if (this.#socket instanceof ReusingSocket) this.#socket.readInto(undefined);
    else this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }
}
