import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

const limit_ms = 120_000;
/** Many times what a window over twenty rows takes. */
const watch_ms = 3_000;

describe('a windowed chunk read while a commit waits for a synchronous standby (R36)', () => {
  it(
    'is repeated until the commit is visible, so that its row is not overwritten by what stood there before',
    async () => {
      await using stage = await Stage.set();
      await stage.open();
      await stage.onLeader(
        `ALTER SYSTEM SET synchronous_standby_names = 'a_standby_that_never_comes'`,
        'SELECT pg_reload_conf()',
      );
      // In the WAL and in the stream, yet unseen by new snapshots: the server keeps it back until the standby answers.
      const waiting = stage.onLeader(`UPDATE items SET value = 'committed' WHERE id = 7`);
      await waitFor(async () => (await stage.replicaRows())?.includes('7=committed'), {
        what: 'the stream brought the commit that waits',
      });
      expect(await stage.leaderRows()).toContain('7=first');

      await stage.run('resync', 'replica');
      await sleep(watch_ms);
      expect(await stage.replicaState()).toBe('building');

      await stage.onLeader(`ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
      await waiting;
      await waitFor(async () => (await stage.replicaState()) === 'exact', {
        what: 'the replica is exact again',
        timeout_ms: 30_000,
      });
      expect(await stage.replicaRows()).toContain('7=committed');
      await stage.untilReplicaEqual();
    },
    limit_ms,
  );
});
