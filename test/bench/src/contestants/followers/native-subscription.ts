import { ProcessWatch } from '../../measure/process-watch.js';
import { dropSlot, walsenderOf } from '../../measure/walsender.js';
import { Cleanup } from '../../stand/cleanup.js';
import type { Filled } from '../../workloads/workload.js';
import type { Contestant, Drained, Lane, Stand } from '../contestant.js';
import { type FollowerDatabase, followerDatabase, followerSettings, settleFollowers } from './cluster.js';
import { markerVisible } from './marker.js';
import { assertSameAsLeader } from './row-counts.js';
import { Subscription } from './subscription.js';

/** Parallel workers come and go with the transactions they apply. */
const lookForWorkers_ms = 100;

/** What the results file says about it. */
export const subscriptionSettings =
  'binary = true, streaming = parallel, logical_decoding_work_mem 64MB; the worker commits with its own default, synchronous_commit = off';

/** PostgreSQL's own logical replication into a second cluster. */
export const nativeSubscription: Contestant = {
  name: 'native subscription',
  describe: async () => `PostgreSQL 18, ${subscriptionSettings}; ${followerSettings}`,
  async prepare(stand, lane) {
    const cleanup = new Cleanup();
    try {
      const subscribed = await subscribe(stand, lane, cleanup);
      await subscribed.subscription.disable();
      return new NativeLane(stand, subscribed, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  },
};

/** A subscription that follows live, with a database of its own. */
export interface Subscribed {
  readonly slot: string;
  readonly database: FollowerDatabase;
  readonly subscription: Subscription;
}

/** Makes one; `cleanup` learns how to take it down. */
export async function subscribe(stand: Stand, lane: number, cleanup: Cleanup): Promise<Subscribed> {
  const slot = `native_${lane}`;
  const database = await followerDatabase(stand, lane);
  cleanup.defer(() => database.remove());
  cleanup.defer(() => dropSlot(stand.leader, slot));
  const follower = await database.connect();
  cleanup.defer(() => follower.end());
  const leader = await stand.leader.connect();
  cleanup.defer(() => leader.end());
  const { tables } = stand.workload;
  const options = { name: slot, leaderUrl: stand.leader.url, leader, follower, tables };
  const subscription = await Subscription.create(options, cleanup);
  return { slot, database, subscription };
}

class NativeLane implements Lane {
  readonly #stand: Stand;
  readonly #subscribed: Subscribed;
  readonly #cleanup: Cleanup;

  constructor(stand: Stand, subscribed: Subscribed, cleanup: Cleanup) {
    this.#stand = stand;
    this.#subscribed = subscribed;
    this.#cleanup = cleanup;
  }

  async drain(backlog: Filled): Promise<Drained> {
    const { slot, database, subscription } = this.#subscribed;
    const { leader, workload } = this.#stand;
    await settleFollowers(this.#stand);
    const follower = await database.connect();
    const watch = new ProcessWatch();
    let looking: NodeJS.Timeout | undefined;
    try {
      await subscription.enable();
      const walsender = await walsenderOf(leader, slot, () => undefined);
      watch.add('walsender', walsender.pid, { whole: true });
      const workers = new WorkerWatch(subscription, watch);
      await workers.look();
      looking = setInterval(() => workers.lookSoon(), lookForWorkers_ms);
      const seen_ms = await markerVisible(follower, backlog.marker, () => subscription.assertHealthy());
      const processes = watch.stop();
      clearInterval(looking);
      await workers.settled();
      await subscription.disable();
      await assertSameAsLeader(leader, follower, workload.tables);
      return { events: backlog.events, seconds: (seen_ms - walsender.started_ms) / 1_000, processes };
    } finally {
      clearInterval(looking);
      watch.stop();
      await follower.end();
    }
  }

  remove(): Promise<void> {
    return this.#cleanup.run();
  }
}

/** Puts every worker of a subscription on the watch once, as it comes. */
class WorkerWatch {
  readonly #subscription: Subscription;
  readonly #watch: ProcessWatch;
  readonly #known = new Set<number>();
  #looking: Promise<void> = Promise.resolve();

  constructor(subscription: Subscription, watch: ProcessWatch) {
    this.#subscription = subscription;
    this.#watch = watch;
  }

  lookSoon(): void {
    // A worker that is not seen costs a figure its CPU, not the drain its truth.
    this.#looking = this.#looking.then(() => this.look()).catch(() => undefined);
  }

  async look(): Promise<void> {
    for (const pid of await this.#subscription.workers()) {
      if (this.#known.has(pid)) continue;
      this.#known.add(pid);
      this.#watch.add('apply worker', pid, { whole: true });
    }
  }

  async settled(): Promise<void> {
    await this.#looking;
  }
}
