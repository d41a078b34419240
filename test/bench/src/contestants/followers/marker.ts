import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { wallClock_ms } from '../../measure/walsender.js';

/** How long after the last event the end of a drain is seen at most; counted against whoever drains. */
const poll_ms = 10;
/** How often one asks whether the contestant still lives. */
const health_ms = 1_000;
/** No drain of a published backlog takes so long. */
const drain_ms_max = 1_800_000;

/**
 * Waits over one persistent connection until the follower shows `marker` in `bench_end`, and gives the wall clock then,
 * milliseconds since the Unix epoch. The same code for every contestant that ends in PostgreSQL. `assertHealthy` throws
 * when nothing will come any more.
 */
export async function markerVisible(
  follower: pg.Client,
  marker: number,
  assertHealthy: () => void | Promise<void>,
): Promise<number> {
  const started_ms = performance.now();
  const look = { name: 'marker', text: 'SELECT 1 FROM bench_end WHERE marker = $1', values: [marker] };
  for (let asked_ms = started_ms; ; ) {
    const { rowCount } = await follower.query(look);
    if (rowCount === 1) return wallClock_ms();
    const now_ms = performance.now();
    if (now_ms - asked_ms > health_ms) {
      await assertHealthy();
      asked_ms = now_ms;
    }
    if (now_ms - started_ms > drain_ms_max)
      throw new Error(`the follower did not show marker ${marker} within ${drain_ms_max} ms`);
    await sleep(poll_ms);
  }
}
