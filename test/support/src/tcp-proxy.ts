import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does to the bytes of one direction. */
export type Direction = 'toServer' | 'toClient';

/** One client's connection through the proxy. Bytes wait here while a direction is held or delayed. */
class Relay {
  readonly client: Socket;
  readonly server: Socket;

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
  }

  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** RST to both sides instead of an orderly end. */
  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }
}

/**
 * A TCP proxy on 127.0.0.1 that breaks what it carries, as networks do:
 * - `latency_ms`: each chunk arrives that much later, in order;
 * - `cut`: connections end with a reset, new ones are still accepted;
 * - `refuse`: new connections are reset at once;
 * - `hold(direction)`: bytes of a direction are read and kept, nothing arrives: a half-open connection when one
 *   direction is held, a black hole when both are; `release` delivers them;
 * - `drop(direction)`: bytes of a direction are read and lost for good, as a lost response is.
 */
export class TcpProxy {
  latency_ms = 0;
  refuse = false;
  readonly #listener: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #relays = new Set<Relay>();
  readonly #held = new Map<Direction, (() => void)[]>();
  readonly #dropped = new Set<Direction>();
  #bytes = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#listener = createServer((client) => this.#accept(client));
  }

  /** Starts a proxy on a free port before `target`. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy({ ...target });
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** `url` with host and port replaced by the proxy's. */
  urlThrough(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(this.port);
    return through.href;
  }

  /** Connections open through the proxy now. */
  get connections(): number {
    return this.#relays.size;
  }

  /** Bytes delivered in both directions since the start. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resets all connections. */
  cut(): void {
    for (const relay of this.#relays) relay.reset();
  }

  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) if (!this.#held.has(direction)) this.#held.set(direction, []);
  }

  /** Delivers what was held, in order, and lets the direction flow again. */
  release(...directions: readonly Direction[]): void {
    for (const direction of directions) {
      const waiting = this.#held.get(direction) ?? [];
      this.#held.delete(direction);
      for (const deliver of waiting) deliver();
    }
  }

  drop(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#dropped.add(direction);
  }

  undrop(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#dropped.delete(direction);
  }

  /** Ends all connections and the listener. */
  async stop(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    for (const relay of this.#relays) relay.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(client: Socket): void {
    if (this.refuse) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target.port, this.#target.host);
    const relay = new Relay(client, server);
    this.#relays.add(relay);
    const end = (): void => {
      relay.destroy();
      this.#relays.delete(relay);
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    this.#carry('toServer', client, server);
    this.#carry('toClient', server, client);
  }

  #carry(direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (this.#dropped.has(direction)) return;
      const deliver = (): void => this.#deliver(chunk, from, to);
      this.#later(direction, deliver);
    });
    from.on('end', () => this.#later(direction, () => to.end()));
  }

  /** Runs `act` when the direction flows, after the latency; order within a direction is kept. */
  #later(direction: Direction, act: () => void): void {
    const pass = (): void => {
      const held = this.#held.get(direction);
      if (held) held.push(act);
      else act();
    };
    if (this.latency_ms > 0) setTimeout(pass, this.latency_ms);
    else pass();
  }

  #deliver(chunk: Buffer, from: Socket, to: Socket): void {
    if (to.destroyed) return;
    this.#bytes += chunk.length;
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }
}
