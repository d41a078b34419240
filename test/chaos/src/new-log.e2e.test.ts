import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@millrace/test-support';
import { describe, it } from 'vitest';
import { Stage } from './stage.js';

const limit_ms = 240_000;

describe('a log that is lost', () => {
  it(
    'is replaced as docs/09-operations.md says: a new one begins where the slot stands, and resync brings the followers over',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      await stage.pipeline.stop();
      await rename(join(stage.pipeline.folder, 'log'), join(stage.pipeline.folder, 'lost'));
      await stage.onLeader(
        `UPDATE items SET value = 'second' WHERE id < 5`,
        'DELETE FROM items WHERE id = 6',
      );
      for (const part of ['capture', 'monitor', 'replica'] as const) stage.pipeline.start(part);
      await stage.untilLoudStop('replica', ['MR-3006']);

      await stage.run('resync', 'replica');
      await stage.run('resync', 'lake');
      stage.pipeline.start('replica');
      stage.pipeline.start('lake');
      await stage.untilReplicaEqual();
      await waitFor(async () => (await stage.replicaState()) === 'exact', {
        what: 'the replica is exact',
        timeout_ms: 60_000,
      });
      await stage.onLeader(`INSERT INTO items VALUES (300, 'after')`);
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );
});
