import { type Lsn, lsn } from '@millrace/model';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, until } from '../memory/capture-bench.sample.js';
import type { Source } from '../source.js';
import { putBackFork, walVerdict } from './put-back.js';

const at = (end: bigint, history = 0) => ({ history, end: lsn(end) });
const wal = (end: bigint, isReplaying = false) => ({ end: lsn(end), isReplaying });

describe('the leader’s WAL against what was published', () => {
  it('is whole when it ends there or beyond', () => {
    expect(walVerdict(wal(100n), at(100n))).toBe('whole');
    expect(walVerdict(wal(200n, true), at(100n))).toBe('whole');
  });

  it('that ends before is an older copy’s, or a standby’s that is late', () => {
    expect(walVerdict(wal(99n), at(100n))).toBe('put-back');
    expect(walVerdict(wal(99n, true), at(100n))).toBe('late');
  });

  it('of an older copy shares nothing for certain: the chain goes on where the slot stands', () => {
    expect(putBackFork(lsn(60n), at(100n, 2))).toEqual({
      kind: 'fork',
      forkAt: 0n,
      resume: at(0n, 3),
      retracted: { from: 0n, to: 100n },
      jumpTo: at(60n, 3),
    });
  });
});

let bench: Bench;
afterEach(async () => {
  await bench?.end();
});

/** A leader with a commit that its copy holds, and three more, all published. Returns where the copy ends. */
async function published(): Promise<Lsn> {
  bench = new Bench();
  const capture = bench.start();
  await until(() => capture.status().state.name === 'stream');
  bench.put([1, 'kept', null]);
  await bench.replicated();
  await until(() => bench.leader.slot?.confirmed === bench.leader.position);
  bench.leader.checkpoint();
  const copied = bench.leader.position;
  for (const id of [2, 3, 4]) bench.put([id, 'lost', null]);
  await bench.replicated();
  return copied;
}

const policies = { onFork: 'resnapshot' } as const;

/** Starts a capture that may retract, and waits until its log is whole again. */
async function retracted(): Promise<void> {
  const capture = bench.start({ policies });
  await until(() => capture.status().state.name === 'stream');
  const replica = await bench.replicated();
  expect(replica.position.history).toBe(1);
}

describe('a leader put back to an older copy of itself, on the same timeline', () => {
  it('stops capture with MR-2007, and nothing is confirmed to it', async () => {
    const copied = await published();
    bench.leader.putBack(copied);
    bench.put([5, 'new, below what was published', null]);
    expect(await bench.running[0]?.done).toMatchObject({
      code: 'MR-2007',
      message: expect.stringContaining('put back to an older copy'),
    });
    expect(bench.leader.slot?.confirmed).toBe(copied);
  });

  it('is followed by policy, and every table is read again', async () => {
    const copied = await published();
    bench.leader.putBack(copied);
    bench.put([5, 'new, below what was published', null]);
    await bench.running[0]?.done;
    await retracted();
    bench.put([6, 'later', null]);
    await bench.replicated();
    // A successor finds nothing amiss.
    await bench.stop();
    bench.start();
    bench.put([7, 'last', null]);
    expect((await bench.replicated()).position.history).toBe(1);
  });

  it('is followed also when the copy is older than the slot, which is made anew', async () => {
    const copied = await published();
    bench.leader.putBack(copied, false);
    bench.put([5, 'new, below what was published', null]);
    await bench.running[0]?.done;
    bench.leader.dropSlot();
    bench.put([6, 'new, too', null]);
    await retracted();
  });

  it('is followed also behind a slot that a stopped capture made', async () => {
    const copied = await published();
    bench.leader.putBack(copied, false);
    bench.put([5, 'new, below what was published', null]);
    await bench.running[0]?.done;
    await retracted();
  });

  it('stops capture whatever the policy when its slot was confirmed beyond its WAL', async () => {
    const copied = await published();
    bench.leader.putBack(copied);
    await bench.running[0]?.done;
    const { slot } = bench.leader;
    if (slot) slot.confirmed = lsn(copied + 1n);
    bench.start({ policies });
    expect(await bench.running.at(-1)?.done).toMatchObject({
      code: 'MR-2007',
      remedy: expect.stringContaining('Drop the slot'),
    });
  });
});

describe('a capture that slept while its successor published', () => {
  it('does not take its own old look at the leader for a leader put back', async () => {
    await published();
    const source = bench.memorySource();
    const old: Source = {
      acquire: async (request) => {
        const session = await source.acquire(request);
        return Object.assign(session, { wal: { end: lsn(session.wal.end - 1n), isReplaying: false } });
      },
    };
    await bench.stop();
    const capture = bench.start({ source: old });
    await until(() => {
      const { state } = capture.status();
      return state.name === 'wait' && /MR-2012.*more was published since/.test(state.reason);
    });
  });
});

describe('a standby that is behind what was published', () => {
  it('is waited for, visibly, and goes on in the same history when it has caught up', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    await bench.replicated();
    const replayed = bench.leader.position;
    bench.leader.unpublishedWork(4_096n);
    await until(() => capture.status().published.end === bench.leader.position);
    bench.leader.isReplaying = true;
    bench.leader.putBack(replayed);
    await until(() => {
      const { state } = capture.status();
      return state.name === 'wait' && /MR-2001.*standby/.test(state.reason);
    });
    bench.leader.unpublishedWork(4_096n);
    bench.put([2, 'two', null]);
    expect((await bench.replicated()).position.history).toBe(0);
  });
});
