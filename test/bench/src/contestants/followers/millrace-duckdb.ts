import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parseLsn } from '@millrace/model';
import { ProcessWatch } from '../../measure/process-watch.js';
import { wallClock_ms, walsenderOf } from '../../measure/walsender.js';
import { Cleanup } from '../../stand/cleanup.js';
import type { Filled } from '../../workloads/workload.js';
import type { Contestant, Drained, Lane, Stand } from '../contestant.js';
import { Pipeline } from './pipeline.js';
import { assertSameRows, leaderRows, type RowCounts } from './row-counts.js';

const file = 'copy.duckdb';
const drain_ms_max = 1_800_000;
/** DuckDB's own limit, as configured by default; its buffers are anonymous memory of the applier's process. */
export const engineMemory_bytes = 128_000_000;

/** Capture and applier as two processes, the embedded log between them, into a DuckDB file that the applier owns. */
export const millraceDuckDb: Contestant = {
  name: 'millrace → DuckDB',
  describe: async () =>
    `capture and applier as two processes, embedded log, default settings; DuckDB with its default memory_limit 128MB and one thread; the end is told by the applier's report, up to 250 ms late`,
  async prepare(stand, lane) {
    const cleanup = new Cleanup();
    try {
      const pipeline = await Pipeline.create(
        { stand, lane, store: `{ duckdb: { path: ./${file} } }` },
        cleanup,
      );
      pipeline.start('capture');
      await pipeline.ready('capture');
      pipeline.start('applier');
      await pipeline.copied();
      await pipeline.stop();
      return new DuckDbLane(stand, pipeline, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  },
};

class DuckDbLane implements Lane {
  readonly #stand: Stand;
  readonly #pipeline: Pipeline;
  readonly #cleanup: Cleanup;

  constructor(stand: Stand, pipeline: Pipeline, cleanup: Cleanup) {
    this.#stand = stand;
    this.#pipeline = pipeline;
    this.#cleanup = cleanup;
  }

  /** The file has one owner, so the end is the applier's own report of its position. */
  async drain(backlog: Filled): Promise<Drained> {
    const pipeline = this.#pipeline;
    const { leader, workload } = this.#stand;
    const end = parseLsn(backlog.end);
    const applier = pipeline.start('applier');
    await pipeline.ready('applier');
    const watch = new ProcessWatch();
    try {
      watch.add('applier', applier.pid);
      const capture = pipeline.start('capture');
      const walsender = await walsenderOf(leader, pipeline.slot, () => pipeline.assertRunning());
      watch.add('walsender', walsender.pid, { whole: true });
      watch.add('capture', capture.pid);
      await pipeline.until(
        `the follower is at ${backlog.end}`,
        async () => ((await pipeline.report())?.position.end ?? 0n) >= end,
        drain_ms_max,
      );
      const seconds = (wallClock_ms() - walsender.started_ms) / 1_000;
      const processes = watch.stop();
      await pipeline.stop();
      assertSameRows(
        await leaderRows(leader, workload.tables),
        await countRows(join(pipeline.folder, file), workload.tables),
      );
      return { events: backlog.events, seconds, processes };
    } finally {
      watch.stop();
    }
  }

  remove(): Promise<void> {
    return this.#cleanup.run();
  }
}

async function countRows(path: string, tables: readonly string[]): Promise<RowCounts> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  try {
    const connection = await instance.connect();
    const counts = new Map<string, number>();
    for (const table of tables) {
      const answer = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`);
      counts.set(table, Number(answer.getRows()[0]?.[0]));
    }
    connection.closeSync();
    return counts;
  } finally {
    instance.closeSync();
  }
}
