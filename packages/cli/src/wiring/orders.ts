import type { LogTable } from '@millrace/log';

/**
 * What an operator's command asks of a service that may run in another process: `restart` starts it again as it is,
 * `resync` reads tables anew, `repair` lets capture read anew only tables whose shape it cannot tell.
 */
export type OrderKind = 'restart' | 'resync' | 'repair';

const kinds: readonly string[] = ['restart', 'resync', 'repair'] satisfies OrderKind[];

export interface Order {
  /** Told apart by time and random part: an order is carried out once. */
  readonly id: string;
  readonly kind: OrderKind;
  readonly placed_ms: number;
}

/** An order that nobody carried out for this long is void: what it was placed for has changed since. */
export const orderValid_ms = 3_600_000;

/**
 * Orders by service, in a table of the log: `millrace resync` reaches the process that holds a follower's file, and
 * a service that stopped loudly starts again without its neighbours being touched.
 */
export class Orders {
  readonly #table: LogTable;

  constructor(log: { table(name: string): LogTable }) {
    this.#table = log.table('orders');
  }

  async place(service: string, order: Order): Promise<void> {
    await this.#table.put(service, Buffer.from(JSON.stringify(order), 'utf8'));
  }

  /** The order that waits for `service`, unless it is stale by `now_ms` or cannot be read. */
  async waiting(service: string, now_ms: number): Promise<Order | undefined> {
    const bytes = await this.#table.get(service);
    if (!bytes) return undefined;
    try {
      const order = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Order>;
      const known = kinds.includes(order.kind ?? '');
      const fresh = typeof order.placed_ms === 'number' && Math.abs(now_ms - order.placed_ms) < orderValid_ms;
      return known && fresh && typeof order.id === 'string' ? (order as Order) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Carried out, or withdrawn. */
  async clear(service: string): Promise<void> {
    await this.#table.delete(service);
  }
}
