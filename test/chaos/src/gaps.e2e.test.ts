import { cp, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FollowerReports, type Log } from '@millrace/log';
import type { PgServer } from '@millrace/test-support';
import { waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { readLog } from './log-view.js';
import { Stage } from './stage.js';

const limit_ms = 240_000;
/** Long enough for anything that wrongly goes on to show. */
const watch_ms = 2_000;

/** Keeps a copy of a server's data as of now; the returned function puts it back, as restoring a backup does. */
async function keepCopy(server: PgServer): Promise<() => Promise<void>> {
  await server.stop();
  const copy = await server.copyData();
  await server.start();
  return async () => {
    await server.stop();
    await server.restoreData(copy);
    await server.start();
  };
}

/** The copy's workers seem to live: the next one stands by behind a process that is gone, before it takes over. */
async function reviveWorkers(server: PgServer): Promise<void> {
  const client = await server.connect();
  try {
    const { rowCount } = await client.query(
      'UPDATE millrace.workers SET seen = clock_timestamp(), active = true',
    );
    expect(rowCount).toBe(1);
  } finally {
    await client.end();
  }
}

describe('a gap is loud (promise 5)', () => {
  it(
    'a slot dropped and made again behind our back stops capture, pages, lets nothing later through, and resync mends it',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      const before = await stage.leaderRows();
      await stage.pipeline.part('capture').stop();
      await stage.onLeader(
        `SELECT pg_drop_replication_slot('millrace_bank')`,
        `INSERT INTO items VALUES (100, 'lost')`,
        `SELECT pg_create_logical_replication_slot('millrace_bank', 'pgoutput')`,
        `INSERT INTO items VALUES (101, 'after')`,
      );
      stage.pipeline.start('capture');
      await stage.untilLoudStop('capture', ['MR-2005', 'MR-2006']);
      await stage.onLeader(`INSERT INTO items VALUES (102, 'later')`);
      await sleep(watch_ms);
      expect(await stage.replicaRows()).toBe(before);

      await stage.run('resync', '--all');
      stage.pipeline.start('capture');
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );

  it(
    'a slot dropped and not made again stops capture too, and resync mends it',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      await stage.pipeline.part('capture').stop();
      await stage.onLeader(
        `SELECT pg_drop_replication_slot('millrace_bank')`,
        `INSERT INTO items VALUES (100, 'lost')`,
      );
      stage.pipeline.start('capture');
      await stage.untilLoudStop('capture', ['MR-2005']);
      await stage.run('resync', '--all');
      stage.pipeline.start('capture');
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );

  it(
    'a leader put back to an older copy of itself stops capture, pages, lets nothing later through, and resync mends it',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      const restore = await keepCopy(stage.leader);
      await stage.onLeader(
        `UPDATE items SET value = 'second'`,
        // Far more WAL than the copy writes by itself after it was put back.
        `INSERT INTO items SELECT i, repeat(md5(i::text), 30) FROM generate_series(1000, 1999) i`,
      );
      await stage.untilReplicaEqual();
      const before = await stage.replicaRows();
      await restore();
      await stage.onLeader(`INSERT INTO items VALUES (100, 'below what was published')`);
      await stage.untilLoudStop('capture', ['MR-2007']);
      await stage.onLeader(`INSERT INTO items VALUES (101, 'later')`);
      await sleep(watch_ms);
      expect(await stage.replicaRows()).toBe(before);

      // The followers hold commits that the leader lacks now: each is told of it when capture goes on.
      for (const part of ['replica', 'lake'] as const) await stage.pipeline.part(part).stop();
      await stage.run('resync', '--all');
      stage.pipeline.start('capture');
      await waitFor(() => readLog(stage.pipeline, isForked), {
        what: 'a checkpoint on the leader’s new way',
        timeout_ms: 60_000,
      });
      for (const part of ['replica', 'lake'] as const) {
        await stage.run('resync', part);
        stage.pipeline.start(part);
      }
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );

  it(
    'a log trimmed past a follower stops that follower alone, and resync mends it',
    async () => {
      await using stage = await Stage.set({ retention: '{ bytes: 64KiB, age: 1s, followers: drop }' });
      await stage.open();
      const before = await stage.replicaRows();
      await stage.pipeline.part('replica').stop();
      await stage.onLeader('UPDATE items SET value = $$changed$$');
      await churnUntilTrimmed(stage);

      stage.pipeline.start('replica');
      await stage.untilLoudStop('replica', ['MR-3003']);
      expect(await stage.replicaRows()).toBe(before);
      await stage.untilLakeEqual();

      await stage.run('resync', 'replica');
      stage.pipeline.start('replica');
      await stage.untilReplicaEqual();
    },
    limit_ms,
  );

  it(
    'a follower restored from an older copy of itself stops, pages, takes nothing later, and resync mends it',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      const restore = await keepCopy(stage.replica);
      const old = await stage.replicaRows();
      await stage.onLeader(`UPDATE items SET value = 'second'`, 'DELETE FROM items WHERE id = 3');
      await stage.untilReplicaEqual();
      await stage.pipeline.part('replica').stop();
      await restore();
      await reviveWorkers(stage.replica);
      stage.pipeline.start('replica');
      await stage.untilLoudStop('replica', ['MR-4004']);
      await stage.onLeader(`INSERT INTO items VALUES (200, 'later')`);
      await sleep(watch_ms);
      expect(await stage.replicaRows()).toBe(old);

      await stage.run('resync', 'replica');
      stage.pipeline.start('replica');
      await stage.untilReplicaEqual();
    },
    limit_ms,
  );

  it(
    'under policy replay a restored follower resumes from its own position by itself, also under a running applier',
    async () => {
      await using stage = await Stage.set({ onRestore: 'replay' });
      await stage.open();
      const restore = await keepCopy(stage.replica);
      await stage.onLeader(`UPDATE items SET value = 'second'`, 'DELETE FROM items WHERE id = 3');
      await stage.untilReplicaEqual();
      await restore();
      await stage.onLeader(`INSERT INTO items VALUES (200, 'later')`);
      await stage.untilReplicaEqual();
    },
    limit_ms,
  );

  it(
    'a DuckDB file put back to an older copy stops its applier, and resync mends it',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      await stage.untilLakeEqual();
      await stage.pipeline.part('lake').stop();
      const copy = `${stage.pipeline.lakePath}.copy`;
      await cp(stage.pipeline.lakePath, copy);
      stage.pipeline.start('lake');
      await stage.onLeader(`UPDATE items SET value = 'second'`);
      await stage.untilLakeEqual();
      await stage.pipeline.part('lake').stop();
      await rm(`${stage.pipeline.lakePath}.wal`, { force: true });
      await cp(copy, stage.pipeline.lakePath);
      stage.pipeline.start('lake');
      await stage.untilLoudStop('lake', ['MR-4004']);
      await stage.run('resync', 'lake');
      stage.pipeline.start('lake');
      await stage.untilLakeEqual();
    },
    limit_ms,
  );
});

/** Whether followers that start over do so behind the fork. */
async function isForked(log: Log): Promise<boolean> {
  return ((await new FollowerReports(log).readAnchor())?.position.history ?? 0) > 0;
}

/** Writes until the log has dropped every record that existed when the replica's applier stopped. */
async function churnUntilTrimmed(stage: Stage): Promise<void> {
  const { high: needed } = await readLog(stage.pipeline, (log) => log.progress.watermarks());
  await waitFor(
    async () => {
      await stage.onLeader(`UPDATE items SET value = md5(random()::text) || repeat('x', 2000)`);
      await sleep(50);
      return (await readLog(stage.pipeline, (log) => log.progress.watermarks())).low > needed;
    },
    { what: 'the log was trimmed past the replica', timeout_ms: 90_000 },
  );
}
