import type { Socket } from 'node:net';

/** What the network does to one direction at this moment. */
export interface LaneConditions {
  readonly latency_ms: number;
  readonly held: boolean;
  readonly dropped: boolean;
}

/** What a filter makes of the bytes that arrive: those to pass on, and whether the connection ends behind them. */
export interface Filtered {
  readonly bytes: Buffer;
  readonly cut: boolean;
}

export type ByteFilter = (chunk: Buffer) => Filtered;

/** Bytes a lane keeps before the sender feels it, as with a full window of TCP. */
const kept_bytes_max = 1024 * 1024;

interface Passage {
  readonly due_ms: number;
  /** Empty stands for the end of the stream. */
  readonly bytes: Buffer;
}

/** One direction of one connection: bytes leave in the order they came, each after its latency, none while held. */
export class ProxyLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: () => LaneConditions;
  readonly #delivered: (bytes: number) => void;
  readonly #filter: ByteFilter | undefined;
  readonly #queue: Passage[] = [];
  #kept_bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;

  constructor(
    from: Socket,
    to: Socket,
    conditions: () => LaneConditions,
    delivered: (bytes: number) => void,
    filter?: ByteFilter,
  ) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#delivered = delivered;
    this.#filter = filter;
    from.on('data', (chunk: Buffer) => {
      if (!this.#conditions().dropped) this.#pass(chunk);
    });
    from.on('end', () => this.#take(Buffer.alloc(0)));
    to.on('close', () => clearTimeout(this.#timer));
    to.on('drain', () => {
      this.#blocked = false;
      this.pump();
    });
  }

  #pass(chunk: Buffer): void {
    const { bytes, cut } = this.#filter?.(chunk) ?? { bytes: chunk, cut: false };
    if (bytes.length > 0) this.#take(bytes);
    if (!cut) return;
    this.#take(Buffer.alloc(0));
    // Nothing more is read from the one side, and nothing it still says is waited for.
    this.#from.destroy();
  }

  #take(bytes: Buffer): void {
    this.#queue.push({ due_ms: performance.now() + this.#conditions().latency_ms, bytes });
    this.#kept_bytes += bytes.length;
    if (this.#kept_bytes > kept_bytes_max) this.#from.pause();
    this.pump();
  }

  /** Delivers what is due. To be called when conditions change. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#blocked && !this.#conditions().held) {
      const next = this.#queue[0];
      if (next === undefined) break;
      const wait_ms = next.due_ms - performance.now();
      if (wait_ms > 0) {
        this.#timer = setTimeout(() => this.pump(), wait_ms);
        break;
      }
      this.#queue.shift();
      this.#deliver(next.bytes);
    }
    if (this.#kept_bytes <= kept_bytes_max) this.#from.resume();
  }

  #deliver(bytes: Buffer): void {
    this.#kept_bytes -= bytes.length;
    if (this.#to.destroyed) return;
    this.#delivered(bytes.length);
    if (bytes.length === 0) this.#to.end();
    else this.#blocked = !this.#to.write(bytes);
  }
}
