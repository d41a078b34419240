import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Watermarks } from '@millrace/log';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';
import type { PgServer } from '@millrace/test-support';
import { waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

const limit_ms = 240_000;
/** Long enough for anything that wrongly goes on to show. */
const watch_ms = 2_000;

/** Keeps a copy of a stopped server's data, and puts it back. */
async function keepCopy(server: PgServer): Promise<() => Promise<void>> {
  const copy = `${server.dataDir}.copy`;
  await server.stop();
  cpSync(server.dataDir, copy, { recursive: true, preserveTimestamps: true });
  execFileSync('chown', ['-R', '--reference', server.dataDir, copy]);
  await server.start();
  return async () => {
    await server.stop();
    await rm(server.dataDir, { recursive: true });
    await rename(copy, server.dataDir);
    await server.start();
  };
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
      rmSync(`${stage.pipeline.lakePath}.wal`, { force: true });
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

/** Writes until the log has dropped every record that existed when the replica's applier stopped. */
async function churnUntilTrimmed(stage: Stage): Promise<void> {
  const { high: needed } = await progressOf(stage);
  await waitFor(
    async () => {
      await stage.onLeader(`UPDATE items SET value = md5(random()::text) || repeat('x', 2000)`);
      await sleep(50);
      return (await progressOf(stage)).low > needed;
    },
    { what: 'the log was trimmed past the replica', timeout_ms: 90_000 },
  );
}

async function progressOf(stage: Stage): Promise<Watermarks> {
  const log = await openEmbeddedLog({
    path: join(stage.pipeline.folder, 'log'),
    retention: { followers: 'hold' },
    clock: systemClock,
    logger: silentLogger,
    readOnly: true,
  });
  try {
    return await log.progress.watermarks();
  } finally {
    await log.close();
  }
}
