import type { Socket } from 'node:net';

/** What the network does to one direction at this moment. */
export interface LaneConditions {
  readonly latency_ms: number;
  readonly held: boolean;
  readonly dropped: boolean;
}

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
  readonly #queue: Passage[] = [];
  #kept_bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;

  constructor(
    from: Socket,
    to: Socket,
    conditions: () => LaneConditions,
    delivered: (bytes: number) => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#delivered = delivered;
    from.on('data', (chunk: Buffer) => {
      if (!this.#conditions().dropped) this.#take(chunk);
    });
    from.on('end', () => this.#take(Buffer.alloc(0)));
    to.on('close', () => clearTimeout(this.#timer));
    to.on('drain', () => {
      this.#blocked = false;
      this.pump();
    });
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
