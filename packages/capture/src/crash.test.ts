import { systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, large, orders, until } from './memory/capture-bench.sample.js';
import { testColumn, testRelation } from './memory/shop.js';

const extra = 3;
/** Requests to the log in the life that is told here, roughly. */
const requests = 64;

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

describe('a capture killed at any request to the log', () => {
  it.each(Array.from({ length: requests }, (_, i) => i + 1))(
    'leaves a successor who loses and doubles nothing (request %i)',
    async (fatal) => {
      bench = new Bench();
      for (let i = 0; i < 12; i++) bench.put([i, 'seed', large]);
      const life = {
        limits: { chunk_rows: 4, part_bytes: 300 },
        policies: { onSchemaUncertain: 'repair' },
      } as const;
      let count = 0;
      bench.server.faults = {
        before: () => {
          if (++count !== fatal) return undefined;
          // Killed: its connection breaks, and the request under way takes effect or not after its sender is gone.
          bench.running[0]?.stop.abort();
          bench.leader.cutConnection('killed');
          bench.start(life);
          return systemClock.sleep(fatal % 3);
        },
      };
      const capture = bench.start(life);
      await until(() => count >= fatal || capture.status().state.name === 'stream');
      bench.put([20, 'streamed', large], [21, 'streamed', null]);
      bench.leader.createTable(testRelation(extra, 'extra'), false);
      const filled = bench.leader.begin();
      filled.insert(extra, ['1', 'was there', null]);
      filled.commit();
      bench.leader.publish(extra);
      const move = bench.leader.begin();
      move.update(orders, ['20', null, null], ['30', 'moved', large]);
      move.insert(extra, ['2', 'came', null]);
      move.commit();
      await systemClock.sleep(5);
      const wider = testRelation(orders, 'orders', {
        columns: [...testRelation(orders, 'orders').columns, testColumn(4, 'more', 'text')],
      });
      bench.leader.alter(wider, (row) => [...row, `m${row[0]}`], {
        certain: true,
        rewritten: 'volatile default',
      });
      const late = bench.leader.begin();
      late.insert(orders, ['40', 'late', null, 'mine']);
      late.commit();
      const replica = await bench.replicated();
      await until(async () => {
        await replica.catchUp();
        return replica.exact && replica.rows(extra).length === 2;
      });
      expect(replica.rows(orders)).toHaveLength(15);
    },
  );
});
