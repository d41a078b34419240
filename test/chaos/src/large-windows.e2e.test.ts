import { setTimeout as sleep } from 'node:timers/promises';
import type { PgServer } from '@millrace/test-support';
import { waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { MemoryWatch } from './resident-memory.js';
import { Stage } from './stage.js';

const limit_ms = 300_000;
const arrival_ms = 120_000;
const rows = 300_000;
const mebibyte = 1024 * 1024;
/** A window's 16 MiB, the queue's 32 MiB, the runtime, and what it has not collected yet. */
const memory_bytes = 260 * mebibyte;

/** One text for all rows of a table, whatever their order. */
async function digest(server: PgServer, table: string): Promise<string> {
  const client = await server.connect();
  try {
    const { rows: found } = await client.query(
      `SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) AS digest FROM ${table} t`,
    );
    return String(found[0].digest);
  } finally {
    await client.end();
  }
}

/** Without a key, and keyed by an enum: each is read whole in one window. */
const tables = ['loose', 'moody'] as const;
const madeOnLeader = [
  'CREATE TABLE loose (id int, note text)',
  'ALTER TABLE loose REPLICA IDENTITY FULL',
  'CREATE INDEX ON loose (id)',
  `CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')`,
  'CREATE TABLE moody (mood mood, id int, note text, PRIMARY KEY (mood, id))',
  'CREATE INDEX ON moody (id)',
  `INSERT INTO loose SELECT i, repeat('x', 120) FROM generate_series(1, ${rows}) i`,
  `INSERT INTO moody SELECT 'sad', i, repeat('x', 120) FROM generate_series(1, ${rows}) i`,
];
/** What a resync has to mend: rows that are missing, wrong, and too many. */
const damage = `DELETE FROM loose WHERE id % 3 = 0; INSERT INTO loose VALUES (1, 'twice'), (1, 'twice');
  DELETE FROM moody WHERE id % 3 = 0; UPDATE moody SET note = 'wrong' WHERE id % 5 = 0;
  INSERT INTO moody VALUES ('glad', -1, 'too many')`;

/** Every change of a row without a key costs the replica a pass over its table: more of them would only measure that. */
const pause_ms = 100;

/** Changes rows of both tables until told to stop. */
async function write(stage: Stage, done: AbortSignal): Promise<number> {
  const client = await stage.leader.connect();
  let transactions = 0;
  for (; !done.aborted; transactions++) {
    const id = Math.floor(Math.random() * rows);
    await client.query('BEGIN');
    await client.query(`UPDATE loose SET note = 'changed' WHERE id = $1`, [id]);
    await client.query('DELETE FROM loose WHERE id = $1', [id + 1]);
    await client.query(`INSERT INTO loose VALUES ($1, 'new')`, [id]);
    await client.query(`UPDATE moody SET note = 'changed' WHERE id = $1`, [id]);
    await client.query(`UPDATE moody SET mood = 'glad' WHERE id = $1`, [id + 2]);
    await client.query('DELETE FROM moody WHERE id = $1', [id + 1]);
    await client.query(`INSERT INTO moody VALUES ('ok', $1, 'new')`, [rows + transactions]);
    await client.query('COMMIT');
    await sleep(pause_ms);
  }
  await client.end();
  return transactions;
}

describe('a table that is read whole in one window', () => {
  it(
    'of 300,000 rows, without a key or keyed by an enum, is mended by resync under load, in bounded memory',
    async () => {
      await using stage = await Stage.set({ tables: ['public.items', 'public.loose', 'public.moody'] });
      await stage.onLeader(...madeOnLeader);
      await stage.open();
      const untilEqual = (): Promise<unknown> =>
        waitFor(
          async () => {
            stage.pipeline.assertRunning();
            if ((await stage.replicaState()) !== 'exact') return false;
            for (const table of tables)
              if ((await digest(stage.replica, table)) !== (await digest(stage.leader, table))) return false;
            return true;
          },
          { what: 'both tables are equal', timeout_ms: arrival_ms },
        );
      await untilEqual();

      const client = await stage.replica.connect();
      await client.query(damage);
      await client.end();
      const watch = new MemoryWatch(
        new Map([
          ['capture', stage.pipeline.part('capture').pid],
          ['replica', stage.pipeline.part('replica').pid],
        ]),
      );
      await stage.run('resync', 'replica');
      await waitFor(async () => (await stage.replicaState()) !== 'exact', { what: 'the resync has begun' });
      // Not before: a change of a row that the replica lacks would stop it, loudly.
      const stop = new AbortController();
      const writing = write(stage, stop.signal);
      await waitFor(async () => (await stage.replicaState()) === 'exact', {
        what: 'the resync is done under load',
        timeout_ms: arrival_ms,
      });
      stop.abort();
      expect(await writing).toBeGreaterThan(10);
      await untilEqual();
      for (const [name, peak_bytes] of watch.stop()) {
        console.info(`${name}: peak ${Math.round(peak_bytes / mebibyte)} MiB`);
        expect(peak_bytes).toBeLessThan(memory_bytes);
      }
    },
    limit_ms,
  );
});
