import { decodeRecord, encodeRecord, type MemoryLogFaults } from '@millrace/log';
import { Fault, systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Bench, until } from './memory/capture-bench.sample.js';

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

describe('a topic that was lost', () => {
  const lose = async (): Promise<void> => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    for (let i = 0; i < 20; i++) bench.put([i, 'kept on the leader', null]);
    await bench.replicated();
    await bench.stop();
    bench.server.recreateTopic('shop.public.orders');
  };

  it('stops a capture that starts, with MR-3005', async () => {
    await lose();
    bench.start();
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-3005' });
  });

  it('begins anew by policy, its tables are read again, and later captures take it for whole', async () => {
    await lose();
    const capture = bench.start({ policies: { onGap: 'resnapshot' } });
    await until(() => capture.status().state.name === 'stream');
    const log = bench.server.open();
    const rows = async (): Promise<bigint> => {
      let high = 0n;
      for (let p = 0; p < 3; p++) high += (await log.watermarks('shop.public.orders', p)).high;
      return high;
    };
    await vi.waitFor(async () => expect(await rows()).toBe(20n));
    await bench.stop();
    bench.put([20, 'after', null]);
    const successor = bench.start();
    await until(() => successor.status().state.name === 'stream');
    await vi.waitFor(async () => expect(await rows()).toBe(21n));
  });
});

describe('the log misbehaves', () => {
  it('claims anew after an append whose outcome is unknown', async () => {
    bench = new Bench();
    let left = 3;
    const faults: MemoryLogFaults = {
      append: () => {
        if (left === 0 || Math.random() < 0.7) return {};
        left--;
        return { lost: true, applied: Math.random() < 0.5 };
      },
    };
    bench.server.faults = faults;
    bench.start();
    for (let i = 0; i < 30; i++) {
      bench.put([i, `n${i}`, null]);
      await systemClock.sleep(1);
    }
    await bench.replicated();
  });

  it('waits visibly while the log cannot be written, and heals', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    let broken = true;
    bench.server.faults = { append: () => ({ applied: !broken }) };
    bench.put([1, 'one', null]);
    await until(() => capture.status().waiting?.startsWith('MR-3008') === true);
    broken = false;
    await bench.replicated();
    expect(capture.status().epoch).toBe(1);
  });
});

describe('a capture that claimed and could not read its claim back', () => {
  it('goes on by a new claim, and does not take its own for a successor’s', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    let isAway = false;
    bench.server.faults = {
      before: (operation) =>
        isAway && (operation === 'read' || operation === 'watermarks')
          ? Promise.reject(new Fault('MR-3008', { detail: 'brokers are away' }))
          : undefined,
      append: () => {
        if (capture.status().state.name === 'claim') isAway = true;
        return {};
      },
    };
    bench.leader.cutConnection('test');
    await until(() => isAway && capture.status().state.name === 'wait');
    isAway = false;
    bench.server.faults = {};
    bench.put([1, 'one', null]);
    await bench.replicated();
    expect(capture.status().state.name).toBe('stream');
    expect(capture.status().epoch).toBe(3);
  });
});

describe('a superseded capture', () => {
  it('changes nothing any more and says that it is fenced', async () => {
    bench = new Bench();
    const first = bench.start();
    await until(() => first.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    await bench.replicated();
    // The server gave up on the first one's connection, which does not know it.
    const held = bench.leader.slot;
    if (held) held.holder = undefined;
    const second = bench.start();
    await until(() => second.status().state.name === 'stream');
    bench.put([2, 'two', null]);
    await until(() => first.status().state.name === 'fenced');
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2009' });
    await bench.replicated();
  });

  it('is fenced, and does not claim again, when its connection was lost before it learned of its successor', async () => {
    bench = new Bench();
    const first = bench.start();
    await until(() => first.status().state.name === 'stream');
    const log = bench.server.open();
    const claim = { logId: log.id, epoch: 2, nonce: new Uint8Array(16).fill(2), seq: 0n };
    bench.leader.cutConnection('paused for too long');
    await log.progress.appendClaim(
      encodeRecord({ ...claim, kind: 'claim', host: 'other', pid: 2, version: 'test' }),
      { epoch: 2, nonce: claim.nonce },
    );
    await until(() => first.status().state.name === 'fenced');
    const { records } = await log.progress.read(0n, 1 << 20);
    expect(decodeRecord(records.at(-1)?.bytes ?? Buffer.alloc(0))).toMatchObject({ kind: 'claim', epoch: 2 });
  });
});

describe('a leader that failed over', () => {
  it('goes on under a new history when nothing published is missing', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    await bench.replicated();
    bench.leader.failover(bench.leader.position);
    bench.put([2, 'two', null]);
    const replica = await bench.replicated();
    expect(replica.position.history).toBe(1);
  });

  it('stops with MR-2007 when published commits never happened', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    const forkAt = bench.leader.position;
    bench.put([2, 'lost', null]);
    await bench.replicated();
    bench.leader.failover(forkAt);
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2007' });
  });
});
