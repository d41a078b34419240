import { ProcessWatch } from '../measure/process-watch.js';
import { wallClock_ms, walsenderOf } from '../measure/walsender.js';
import { Cleanup } from '../stand/cleanup.js';
import type { Filled } from '../workloads/workload.js';
import { ChainCounter } from './chain-counter.js';
import type { Contestant, Drained, Lane, Stand } from './contestant.js';
import { Pipeline } from './followers/pipeline.js';

const drain_ms_max = 1_800_000;
/** A pipeline must name a follower; this one's applier never runs. */
const nobody = '{ duckdb: { path: ./nobody.duckdb } }';

/** T2: `millrace capture` as users run it, into the embedded log, durable. */
export const embedded: Contestant = {
  name: 'millrace',
  describe: async () => 'millrace capture of this tree, embedded log, configuration as it comes',
  async prepare(stand, lane) {
    const cleanup = new Cleanup();
    try {
      const pipeline = await Pipeline.create({ stand, lane, store: nobody }, cleanup);
      const counter = await passSnapshot(pipeline);
      return new EmbeddedLane(stand, pipeline, counter, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  },
};

/** Runs the capture until its initial snapshot is complete: what were left of it would be read in the drain. */
async function passSnapshot(pipeline: Pipeline): Promise<ChainCounter> {
  pipeline.start('capture');
  await pipeline.ready('capture');
  const log = await pipeline.log();
  if (!log) throw new Error(`${pipeline.folder} holds no log`);
  const counter = new ChainCounter(log);
  await pipeline.until('the snapshot is complete', async () => {
    await counter.read();
    return counter.snapshotDone;
  });
  await pipeline.stop();
  await counter.read();
  return counter;
}

class EmbeddedLane implements Lane {
  readonly #stand: Stand;
  readonly #pipeline: Pipeline;
  readonly #counter: ChainCounter;
  readonly #cleanup: Cleanup;

  constructor(stand: Stand, pipeline: Pipeline, counter: ChainCounter, cleanup: Cleanup) {
    this.#stand = stand;
    this.#pipeline = pipeline;
    this.#counter = counter;
    this.#cleanup = cleanup;
  }

  async drain(backlog: Filled): Promise<Drained> {
    const pipeline = this.#pipeline;
    const counter = this.#counter;
    const before = counter.events;
    const watch = new ProcessWatch();
    try {
      const capture = pipeline.start('capture');
      const walsender = await walsenderOf(this.#stand.leader, pipeline.slot, () => capture.assertRunning());
      watch.add('capture', capture.pid);
      watch.add('walsender', walsender.pid, { whole: true });
      await pipeline.until(
        `the log is at ${backlog.end}`,
        async () => {
          await counter.read();
          return counter.covers(backlog.end);
        },
        drain_ms_max,
      );
      const seconds = (wallClock_ms() - walsender.started_ms) / 1000;
      const processes = watch.stop();
      // Stopped before the count is believed: an event too many would have come by then.
      await pipeline.stop();
      await counter.read();
      return { events: counter.events - before, seconds, processes };
    } finally {
      watch.stop();
    }
  }

  remove(): Promise<void> {
    return this.#cleanup.run();
  }
}
