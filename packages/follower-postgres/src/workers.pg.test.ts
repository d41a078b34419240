import type { Follower, WorkerNote, WorkerTable } from '@millrace/follower';
import { silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPostgresFollower } from './follower.js';

const note: WorkerNote = { host: 'mill', pid: 7, active: true, partitions: [] };

describe('The workers of a PostgreSQL follower', () => {
  let database: TestDatabase;
  let followers: Follower[];
  const open = (): WorkerTable => {
    const { url } = database;
    const follower = createPostgresFollower({ url, name: 'copy', clock: systemClock, logger: silentLogger });
    followers.push(follower);
    return follower.workers as WorkerTable;
  };

  beforeEach(async () => {
    database = await pgDatabase(18);
    followers = [];
  });
  afterEach(async () => {
    for (const follower of followers) await follower.close();
    await database.drop();
  });

  test('that died before the server’s clock was put back are found silent, not alive until the clock catches up', async () => {
    const [dead, alive] = [open(), open()];
    await dead.join(note);
    await alive.join(note);
    const client = await database.connect();
    await client
      .query("UPDATE millrace.workers SET seen = seen + interval '1 hour'")
      .finally(() => client.end());
    const seen = await alive.beat(note);
    expect(seen.find(({ id }) => id === dead.id)?.silence_ms).toBeGreaterThan(60_000);
    expect(seen.find(({ id }) => id === alive.id)?.silence_ms).toBeLessThan(60_000);
  });
});
