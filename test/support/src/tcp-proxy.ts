import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ByteFilter, ProxyLane } from './proxy-lane.js';

/** Which way bytes flow through a proxy. */
export type Direction = 'toServer' | 'toClient';

/** Where a proxy's connections lead. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** Looks at the bytes of one connection, both ways, before anything else is done to them. */
export interface ConnectionFilter {
  readonly toServer: ByteFilter;
  readonly toClient: ByteFilter;
}

/** One client's connection through the proxy. */
interface Relay {
  readonly sockets: readonly [Socket, Socket];
  readonly lanes: readonly ProxyLane[];
}

/**
 * A TCP proxy on 127.0.0.1 that breaks what it carries, as networks do:
 * - `latency_ms`: bytes arrive that much later, in order;
 * - `cut`: connections end with a reset, new ones are still accepted;
 * - `refuse`: new connections are reset at once;
 * - `hold(direction)`: bytes of a direction are read and kept (1 MiB, then the sender blocks), nothing arrives: a
 *   half-open connection when one direction is held, a black hole when both are; `release` delivers them;
 * - `drop(direction)`: bytes of a direction are read and lost for good, as a swallowed response is; `undrop` ends it.
 */
export class TcpProxy {
  latency_ms = 0;
  refuse = false;
  /** Where new connections lead. May be set anew: a server may be told of its proxy before its own port is known. */
  target: ProxyTarget;
  readonly #filters: (() => ConnectionFilter) | undefined;
  readonly #listener: Server;
  readonly #relays = new Set<Relay>();
  readonly #held = new Set<Direction>();
  readonly #dropped = new Set<Direction>();
  #bytes = 0;

  /** `filters` makes one for each connection. */
  protected constructor(target: ProxyTarget, filters?: () => ConnectionFilter) {
    this.target = target;
    this.#filters = filters;
    this.#listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Starts a proxy on a free port before `target`. */
  static async start(target: ProxyTarget): Promise<TcpProxy> {
    const proxy = new TcpProxy({ ...target });
    await proxy.listen();
    return proxy;
  }

  /** Listens on a free port. */
  protected async listen(): Promise<void> {
    this.#listener.listen(0, '127.0.0.1');
    await once(this.#listener, 'listening');
  }

  /** Starts a proxy before the server that `url` names; connect to `proxy.urlThrough(url)`. */
  static startBefore(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    return TcpProxy.start({ host: hostname, port: Number(port) });
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
    for (const { sockets } of this.#relays) for (const socket of sockets) socket.resetAndDestroy();
  }

  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.add(direction);
  }

  /** Delivers what was held, in order, and lets the direction flow again. */
  release(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.delete(direction);
    for (const { lanes } of this.#relays) for (const lane of lanes) lane.pump();
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
    for (const { sockets } of this.#relays) for (const socket of sockets) socket.destroy();
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
    const server = connect({ ...this.target, allowHalfOpen: true });
    const sockets = [client, server] as const;
    const filter = this.#filters?.();
    const relay: Relay = {
      sockets,
      lanes: [
        this.#lane('toServer', client, server, filter?.toServer),
        this.#lane('toClient', server, client, filter?.toClient),
      ],
    };
    this.#relays.add(relay);
    // An orderly end travels through the lanes behind the bytes before it; only a failure takes the other side along.
    for (const [socket, other] of [sockets, [server, client]] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        if (other.closed) this.#relays.delete(relay);
      });
    }
  }

  #lane(direction: Direction, from: Socket, to: Socket, filter: ByteFilter | undefined): ProxyLane {
    const conditions = () => ({
      latency_ms: this.latency_ms,
      held: this.#held.has(direction),
      dropped: this.#dropped.has(direction),
    });
    const count = (bytes: number): void => {
      this.#bytes += bytes;
    };
    return new ProxyLane(from, to, conditions, count, filter);
  }
}
