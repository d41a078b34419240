import { MemoryLeader } from '@millrace/capture';
import {
  MemoryFollower,
  MemoryFollowerStore,
  type MirroredTable,
  type StoredPosition,
  type TableBatch,
} from '@millrace/follower';
import { type Lsn, lsnZero, type Relation, type Row } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { Chance } from './chance.js';
import { LeaderLoad } from './leader-load.js';
import { Oracle, Violation } from './oracle.js';
import { openShop, shopTables } from './shop.js';
import { Transcript } from './transcript.js';
import { VirtualClock } from './virtual-clock.js';

/** What a naive replication hands to a follower, transaction by transaction: full rows, in order. */
interface Step {
  readonly end: Lsn;
  readonly changes: readonly Change[];
}

interface Change {
  readonly relation: Relation;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

const position = (end: Lsn): StoredPosition => ({
  logId: new Uint8Array(16),
  position: { history: 0, end },
  anchor: Buffer.from(String(end)),
  state: 'exact',
  notes: '',
});

const mirrored = (relation: Relation): MirroredTable => ({
  topic: relation.name,
  version: 1,
  relation,
  state: 'exact',
});

class Fixture {
  readonly leader: MemoryLeader;
  readonly oracle: Oracle;

  constructor(seed: number) {
    const clock = new VirtualClock();
    this.leader = new MemoryLeader({ clock });
    this.oracle = new Oracle(this.leader);
    const transcript = new Transcript(clock, false);
    const chance = new Chance(seed);
    openShop(this.leader);
    const load = new LeaderLoad({ leader: this.leader, clock, chance, transcript, clients: 0, pause_ms: 0 });
    load.history(60);
  }

  steps(): Step[] {
    return this.leader.commits.map(({ end, changes }) => ({ end, changes }));
  }

  /** Replicates the steps, judging the follower after each; rejects with what the oracle says. */
  async replicate(steps: readonly Step[]): Promise<void> {
    const store = new MemoryFollowerStore();
    const follower = new MemoryFollower(store);
    await follower.register(position(lsnZero), { reset: false });
    await follower.takeOver(new Uint8Array(16).fill(1));
    let from = position(lsnZero);
    for (const { end, changes } of steps) {
      const to = position(end);
      const transaction = await follower.begin(from, { ...to, state: 'building' });
      if (from.position.end === lsnZero)
        for (const table of shopTables) await transaction.evolve(mirrored(table), [{ kind: 'create-table' }]);
      for (const change of changes) await transaction.write(batchOf(change));
      await transaction.commit();
      const stamp = await follower.begin({ ...to, state: 'building' }, to);
      await stamp.commit();
      this.oracle.judge('follower', store.state);
      from = to;
    }
  }
}

/** Written as upserts and deletes that never complain: finding the bug is the oracle's work. */
function batchOf({ relation, before, after }: Change): TableBatch {
  const keyed = relation.key.length > 0;
  const key = (row: Row): Row => relation.key.map((index) => row[index]);
  const moved = keyed && before && after && String(key(before)) !== String(key(after));
  return {
    table: mirrored(relation),
    upserts: keyed && after ? [after] : [],
    patches: [],
    moves: [],
    deletes: keyed && before && (!after || moved) ? [key(before)] : [],
    inserts: !keyed && after ? [after] : [],
    removes: !keyed && before ? [before] : [],
  };
}

const seeds = [1, 2, 3, 4, 5];

/** Steps in which `change` breaks something, tried over several loads; each must be caught. */
async function caught(
  change: (steps: readonly Step[], chance: Chance) => readonly Step[] | undefined,
): Promise<void> {
  for (const seed of seeds) {
    const fixture = new Fixture(seed);
    const broken = change(fixture.steps(), new Chance(seed));
    if (broken) await expect(fixture.replicate(broken), `seed ${seed}`).rejects.toThrow(Violation);
  }
}

const middle = (steps: readonly Step[]): number => steps.length >> 1;

function withStep(steps: readonly Step[], index: number, changes: readonly Change[]): Step[] {
  return steps.map((step, i) => (i === index ? { ...step, changes } : step));
}

describe('The oracle', () => {
  it('accepts a faithful replication', async () => {
    for (const seed of seeds) {
      const fixture = new Fixture(seed);
      await fixture.replicate(fixture.steps());
      expect(fixture.oracle.checks).toBeGreaterThan(50);
    }
  });

  it('catches one dropped change', async () => {
    await caught((steps) => withStep(steps, middle(steps), (steps[middle(steps)] as Step).changes.slice(1)));
  });

  it('catches one doubled row', async () => {
    await caught((steps) => {
      const index = steps.findIndex(({ changes }) =>
        changes.some(({ relation, after }) => after && relation.key.length === 0),
      );
      if (index < 0) return undefined;
      const { changes } = steps[index] as Step;
      const row = changes.find(({ relation, after }) => after && relation.key.length === 0) as Change;
      return withStep(steps, index, [...changes, { ...row, before: undefined }]);
    });
  });

  it('catches two swapped transactions', async () => {
    await caught((steps) => {
      const index = middle(steps);
      const [first, second] = [steps[index] as Step, steps[index + 1] as Step];
      return withStep(withStep(steps, index, second.changes), index + 1, first.changes);
    });
  });

  it('catches a torn transaction, whose second half comes with the next position', async () => {
    await caught((steps) => {
      const index = middle(steps);
      const [torn, next] = [steps[index] as Step, steps[index + 1] as Step];
      const half = torn.changes.length >> 1;
      const late = [...torn.changes.slice(half), ...next.changes];
      return withStep(withStep(steps, index, torn.changes.slice(0, half)), index + 1, late);
    });
  });
});
