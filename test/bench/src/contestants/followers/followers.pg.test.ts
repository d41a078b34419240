import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wallClock_ms } from '../../measure/walsender.js';
import { type OwnedStand, openStand } from '../../stand/stand.js';
import { withClient } from '../../workloads/filling.js';
import { workloads } from '../../workloads/workloads.js';
import type { Contestant, Lane } from '../contestant.js';
import { millraceDuckDb } from './millrace-duckdb.js';
import { millracePostgres } from './millrace-postgres.js';
import { nativeSubscription } from './native-subscription.js';

const scale = 0.003;
const patience_ms = 240_000;

describe('contestants that drain into a follower', () => {
  let stand: OwnedStand;
  beforeAll(async () => {
    stand = await openStand({ workload: workloads.W1, lanes: 3 });
  }, patience_ms);
  afterAll(() => stand[Symbol.asyncDispose]());

  async function slots(): Promise<number> {
    return withClient(stand.leader, async (client) => {
      const { rowCount } = await client.query('SELECT 1 FROM pg_replication_slots');
      return rowCount ?? 0;
    });
  }

  it('copy the same backlog, tell what it took, and leave nothing behind', {
    timeout: patience_ms,
  }, async () => {
    const contestants: readonly Contestant[] = [millracePostgres, nativeSubscription, millraceDuckDb];
    const lanes: Lane[] = [];
    for (const [lane, contestant] of contestants.entries()) lanes.push(await contestant.prepare(stand, lane));
    expect(await slots()).toBe(contestants.length);
    const backlog = await stand.workload.fill(stand.leader, scale);
    for (const lane of lanes) {
      const started_ms = wallClock_ms();
      const { events, seconds, processes } = await lane.drain(backlog);
      expect(events).toBe(backlog.events);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThan((wallClock_ms() - started_ms) / 1_000);
      expect(processes.map(({ name }) => name)).toContain('walsender');
      expect(processes.length).toBeGreaterThan(1);
      await lane.remove();
    }
    expect(await slots()).toBe(0);
  });
});
