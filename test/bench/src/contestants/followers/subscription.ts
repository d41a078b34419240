import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Cleanup } from '../../stand/cleanup.js';
import { publication } from '../contestant.js';
import { tableDefinitions } from './table-shapes.js';

const poll_ms = 50;
const settle_ms_max = 120_000;

export interface SubscriptionOptions {
  readonly name: string;
  readonly leaderUrl: string;
  readonly leader: pg.Client;
  readonly follower: pg.Client;
  readonly tables: readonly string[];
}

/**
 * A native subscription as an expert would set it up: binary, large transactions applied by parallel workers while they arrive.
 * Everything else as it comes; its worker commits with `synchronous_commit = off`, as is PostgreSQL's default for it.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;

  private constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Makes tables and subscription, which `cleanup` will drop with its slot; resolves once the leader's present rows are there and the subscription applies what follows. */
  static async create(options: SubscriptionOptions, cleanup: Cleanup): Promise<Subscription> {
    const { follower, leader, name, leaderUrl, tables } = options;
    const subscription = new Subscription(options);
    for (const definition of await tableDefinitions(leader, tables)) await follower.query(definition);
    await follower.query(
      `CREATE SUBSCRIPTION ${name} CONNECTION '${conninfo(leaderUrl)}' PUBLICATION ${publication}
       WITH (binary = true, streaming = parallel, copy_data = true, create_slot = true, slot_name = '${name}')`,
    );
    cleanup.defer(() => follower.query(`DROP SUBSCRIPTION IF EXISTS ${name}`));
    await subscription.#until('its tables are ready', async () => {
      const { rows } = await follower.query<{ left: string }>(
        `SELECT count(*) FILTER (WHERE srsubstate <> 'r') + (CASE WHEN count(*) = 0 THEN 1 ELSE 0 END) AS left FROM pg_subscription_rel`,
      );
      return Number(rows[0]?.left) === 0;
    });
    return subscription;
  }

  /** Starts its worker. */
  async enable(): Promise<void> {
    await this.#options.follower.query(`ALTER SUBSCRIPTION ${this.#options.name} ENABLE`);
  }

  /** Stops its worker and waits until the slot is free. */
  async disable(): Promise<void> {
    const { follower, leader, name } = this.#options;
    await follower.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
    await this.#until('its slot is free', async () => {
      const { rowCount } = await leader.query(
        'SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND active',
        [name],
      );
      return rowCount === 0;
    });
  }

  /** Process ids of its apply worker and of the parallel ones. */
  async workers(): Promise<readonly number[]> {
    const { rows } = await this.#options.follower.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_subscription WHERE subname = $1 AND pid IS NOT NULL',
      [this.#options.name],
    );
    return rows.map(({ pid }) => pid);
  }

  /** Throws when the worker has ended on an error: it would be started again for ever, and nothing would arrive. */
  async assertHealthy(): Promise<void> {
    const { rows } = await this.#options.follower.query<{ errors: string }>(
      'SELECT coalesce(sum(apply_error_count), 0)::text AS errors FROM pg_stat_subscription_stats WHERE subname = $1',
      [this.#options.name],
    );
    if (Number(rows[0]?.errors) > 0)
      throw new Error(`subscription ${this.#options.name} failed; see the follower's server log`);
  }

  async #until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + settle_ms_max;
    while (!(await probe())) {
      if (performance.now() > deadline)
        throw new Error(`subscription ${this.#options.name}: not within ${settle_ms_max} ms: ${what}`);
      await sleep(poll_ms);
    }
  }
}

/** libpq's keywords from our URL, for a literal. */
function conninfo(leaderUrl: string): string {
  const { hostname, port, username, password, pathname } = new URL(leaderUrl);
  const parts = {
    host: hostname,
    port,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    dbname: decodeURIComponent(pathname.slice(1)),
  };
  return Object.entries(parts)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
