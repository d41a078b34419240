import { parseLsn, parsePosition } from '@millrace/model';
import { waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

const limit_ms = 120_000;

interface Status {
  readonly leader: { readonly position: string | null };
  readonly followers: readonly {
    readonly edge: string;
    readonly position: string | null;
    readonly lag_bytes: number | null;
  }[];
}

describe.each([
  ['beyond-2^53', 2n ** 53n],
  ['beyond-2^63', 2n ** 63n],
] as const)('a leader whose LSNs lie %s (promise 9)', (startLsn, bound) => {
  it(
    'replicates, shows exact positions, and its lag falls to zero bytes',
    async () => {
      await using stage = await Stage.set({ startLsn });
      await stage.open();
      await stage.onLeader(`UPDATE items SET value = 'second'`, 'DELETE FROM items WHERE id = 3');
      await stage.untilReplicaEqual();
      const status = await waitFor(
        async () => {
          const found = JSON.parse(await stage.run('status', '--json')) as Status;
          return found.followers.every((follower) => follower.lag_bytes === 0) ? found : undefined;
        },
        { what: 'no follower is behind', timeout_ms: 30_000 },
      );
      const leader = parseLsn(status.leader.position ?? '');
      expect(leader).toBeGreaterThan(bound);
      for (const follower of status.followers)
        expect(parsePosition(follower.position ?? '').end).toBe(leader);
      await stage.untilLakeEqual();
    },
    limit_ms,
  );
});
