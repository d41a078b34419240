import { ProcessWatch } from '../../measure/process-watch.js';
import { walsenderOf } from '../../measure/walsender.js';
import { Cleanup } from '../../stand/cleanup.js';
import type { Filled } from '../../workloads/workload.js';
import type { Contestant, Drained, Lane, Stand } from '../contestant.js';
import { type FollowerDatabase, followerDatabase, followerSettings, settleFollowers } from './cluster.js';
import { markerVisible } from './marker.js';
import { Pipeline } from './pipeline.js';
import { assertSameAsLeader } from './row-counts.js';

/** Capture and applier as two processes, the embedded log between them, into the second cluster. */
export const millracePostgres: Contestant = {
  name: 'millrace → PostgreSQL',
  describe: async () =>
    `capture and applier as two processes, embedded log, default settings; ${followerSettings}`,
  async prepare(stand, lane) {
    const cleanup = new Cleanup();
    try {
      const replicating = await replicate(stand, lane, cleanup);
      await replicating.pipeline.stop();
      return new PostgresLane(stand, replicating, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  },
};

/** A pipeline that follows live, with a database of its own. */
export interface Replicating {
  readonly pipeline: Pipeline;
  readonly database: FollowerDatabase;
}

/** Starts one from the leader's present rows; `cleanup` learns how to take it down. */
export async function replicate(stand: Stand, lane: number, cleanup: Cleanup): Promise<Replicating> {
  const database = await followerDatabase(stand, lane);
  cleanup.defer(() => database.remove());
  const store = `{ postgres: { url: ${JSON.stringify(database.url)} } }`;
  const pipeline = await Pipeline.create({ stand, lane, store }, cleanup);
  pipeline.start('capture');
  await pipeline.ready('capture');
  pipeline.start('applier');
  await pipeline.copied();
  return { pipeline, database };
}

/** Server processes in which the applier's statements run. */
const applierBackends = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace %'`;

class PostgresLane implements Lane {
  readonly #stand: Stand;
  readonly #replicating: Replicating;
  readonly #cleanup: Cleanup;

  constructor(stand: Stand, replicating: Replicating, cleanup: Cleanup) {
    this.#stand = stand;
    this.#replicating = replicating;
    this.#cleanup = cleanup;
  }

  /** The applier waits at the end of the empty log before capture starts: starts of programs count for nobody. */
  async drain(backlog: Filled): Promise<Drained> {
    const { pipeline, database } = this.#replicating;
    const { leader, workload } = this.#stand;
    await settleFollowers(this.#stand);
    const applier = pipeline.start('applier');
    await pipeline.ready('applier');
    const follower = await database.connect();
    const watch = new ProcessWatch();
    try {
      watch.add('applier', applier.pid);
      const { rows } = await follower.query<{ pid: number }>(applierBackends);
      for (const { pid } of rows) watch.add('follower backend', pid);
      const capture = pipeline.start('capture');
      const walsender = await walsenderOf(leader, pipeline.slot, () => pipeline.assertRunning());
      watch.add('walsender', walsender.pid, { whole: true });
      watch.add('capture', capture.pid);
      const seen_ms = await markerVisible(follower, backlog.marker, () => pipeline.assertRunning());
      const processes = watch.stop();
      await pipeline.stop();
      await assertSameAsLeader(leader, follower, workload.tables);
      return { events: backlog.events, seconds: (seen_ms - walsender.started_ms) / 1_000, processes };
    } finally {
      watch.stop();
      await follower.end();
    }
  }

  remove(): Promise<void> {
    return this.#cleanup.run();
  }
}
