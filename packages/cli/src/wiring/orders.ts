import type { LogTable } from '@millrace/log';
import { type Clock, Fault, type FaultCode, faultCatalogue } from '@millrace/runtime';

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

  /** It could not be carried out; whoever placed it is told why. */
  async fail(service: string, { id }: Order, { code, detail, remedy }: Fault): Promise<void> {
    const failed: Failed = { id, code, detail, remedy };
    await this.#table.put(failedKey(service), Buffer.from(JSON.stringify(failed), 'utf8'));
    await this.clear(service);
  }

  /** Why this order could not be carried out; undefined when nobody said so. */
  async failure(service: string, { id }: Order): Promise<Fault | undefined> {
    const bytes = await this.#table.get(failedKey(service));
    if (!bytes) return undefined;
    try {
      const {
        code = '',
        detail = '',
        remedy,
        ...failed
      } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Failed>;
      if (failed.id !== id || !Object.hasOwn(faultCatalogue, code)) return undefined;
      return new Fault(code as FaultCode, { detail, ...(remedy !== undefined && { remedy }) });
    } catch {
      return undefined;
    }
  }
}

interface Failed {
  readonly id: string;
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
}

/** Beside the services' names, none of which holds a slash. */
const failedKey = (service: string): string => `failed/${service}`;

/** The orders for one service as its process takes them: each once, even where it cannot be taken off the log. */
export class OrderInbox {
  readonly #orders: Orders;
  readonly #service: string;
  readonly #clock: Clock;
  #taken: string | undefined;

  constructor(orders: Orders, service: string, clock: Clock) {
    this.#orders = orders;
    this.#service = service;
    this.#clock = clock;
  }

  /** The order to carry out now. A log that does not answer has none. */
  async next(): Promise<Order | undefined> {
    const order = await this.#orders.waiting(this.#service, this.#clock.now()).catch(() => undefined);
    if (order === undefined || order.id !== this.#taken) return order;
    await this.#orders.clear(this.#service).catch(() => undefined);
    return undefined;
  }

  /** `order` was carried out, or could not be. Rejects when the log cannot be told; it is not given out again. */
  async end(order: Order, failure: Fault | undefined): Promise<void> {
    this.#taken = order.id;
    if (failure) await this.#orders.fail(this.#service, order, failure);
    else await this.#orders.clear(this.#service);
  }
}
