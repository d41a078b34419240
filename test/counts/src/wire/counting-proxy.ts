import { type ConnectionFilter, TcpProxy } from '@millrace/test-support';

/** What clients sent through a proxy, and how often they had to wait for the server. */
export interface Traffic {
  /** Execute and simple Query messages. */
  statements: number;
  /** ReadyForQuery: the server answered everything it was asked, and waits. */
  roundTrips: number;
  sent_bytes: number;
  received_bytes: number;
}

const typed = (letter: string): number => letter.charCodeAt(0);
const execute = typed('E');
const query = typed('Q');
const ready = typed('Z');
const length_bytes = 4;

/** Follows a byte stream of typed, length-prefixed messages, however it is cut. */
export class MessageCounter {
  readonly #seen: (type: number) => void;
  /** Bytes of the present message still to come. */
  #left = 0;
  #head: number[] = [];
  #isTyped: boolean;

  /** `isTyped` false: the first message (startup) has no type. */
  constructor(seen: (type: number) => void, isTyped: boolean) {
    this.#seen = seen;
    this.#isTyped = isTyped;
  }

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const skipped = Math.min(this.#left, chunk.length - at);
      this.#left -= skipped;
      at += skipped;
      if (at < chunk.length) this.#headByte(chunk[at++] as number);
    }
  }

  #headByte(byte: number): void {
    this.#head.push(byte);
    if (this.#head.length < length_bytes + Number(this.#isTyped)) return;
    const length = this.#head.slice(-length_bytes).reduce((sum, each) => sum * 256 + each, 0);
    if (this.#isTyped) this.#seen(this.#head[0] as number);
    this.#left = length - length_bytes;
    this.#head = [];
    this.#isTyped = true;
  }
}

/** Stands before a PostgreSQL server and counts. Connections without TLS only. */
export class CountingProxy extends TcpProxy {
  readonly traffic: Traffic;

  private constructor(target: { readonly host: string; readonly port: number }, traffic: Traffic) {
    super(target, () => countingFilter(traffic));
    this.traffic = traffic;
  }

  static override async startBefore(url: string): Promise<CountingProxy> {
    const { hostname, port } = new URL(url);
    const traffic = { statements: 0, roundTrips: 0, sent_bytes: 0, received_bytes: 0 };
    const proxy = new CountingProxy({ host: hostname, port: Number(port) }, traffic);
    await proxy.listen();
    return proxy;
  }
}

function countingFilter(traffic: Traffic): ConnectionFilter {
  const sent = new MessageCounter((type) => {
    if (type === execute || type === query) traffic.statements++;
  }, false);
  const received = new MessageCounter((type) => {
    if (type === ready) traffic.roundTrips++;
  }, true);
  return {
    toServer: (bytes) => {
      traffic.sent_bytes += bytes.length;
      sent.take(bytes);
      return { bytes, cut: false };
    },
    toClient: (bytes) => {
      traffic.received_bytes += bytes.length;
      received.take(bytes);
      return { bytes, cut: false };
    },
  };
}
