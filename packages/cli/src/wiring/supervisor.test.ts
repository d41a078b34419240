import { ServiceBoard } from '@millrace/lag-monitor';
import { MemoryLogServer } from '@millrace/log';
import { Fault, silentLogger, systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import type { Showing } from './note-post.js';
import { Orders } from './orders.js';
import { type Supervised, supervise } from './supervisor.js';

const active: Showing = { state: 'running', doing: 'applying', figures: { events: 1 } };
const standby: Showing = {
  state: 'starting',
  doing: 'standby: worker 1 on mill is active',
  figures: {},
  isSecond: true,
};

interface Before {
  readonly fault?: Fault;
  /** Another process works, and an order waits. */
  readonly isSpokenFor?: boolean;
  /** Another process told a moment ago that the service had stopped, and an order waits. */
  readonly isStopped?: boolean;
  /** So often its server does not answer when the service is opened. */
  readonly absent?: number;
  /** Orders cannot be carried out. */
  readonly isRefusing?: boolean;
  /** The log takes no order away. */
  readonly keepsOrders?: boolean;
  /** It is told to end before it began. */
  readonly isAborted?: boolean;
}

/** A service that shows what the test says, and its supervisor. */
async function stage(
  first: Showing,
  { fault, isSpokenFor = false, isStopped = false, absent = 0, ...before }: Before = {},
) {
  const log = new MemoryLogServer({ clock: systemClock }).open();
  const board = new ServiceBoard(log);
  const orders = new Orders(log);
  if (before.keepsOrders) orders.clear = () => Promise.reject(new Fault('MR-3008', { detail: 'no room' }));
  const scene = { showing: first, carriedOut: 0, opened: 0 };
  if (isSpokenFor || isStopped) {
    const told = isStopped ? ({ state: 'stopped', doing: 'stopped' } as const) : {};
    await board.write({ ...othersNote, ...told, beat_ms: Date.now() });
    await orders.place('replica', { id: '1', kind: 'restart', placed_ms: Date.now() });
  }
  const supervised: Supervised = {
    name: 'replica',
    open: async () => {
      if (scene.opened++ < absent) throw new Fault('MR-2001', { detail: 'connection refused' });
      return {
        service: {
          run: async (signal) => {
            if (fault) throw fault;
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          },
        },
        show: () => scene.showing,
        close: async () => undefined,
      };
    },
    carryOut: async () => {
      scene.carriedOut++;
      if (before.isRefusing) throw new Fault('MR-4001', { detail: 'connection refused' });
    },
  };
  const stop = new AbortController();
  if (before.isAborted) stop.abort();
  const options = { board, orders, clock: systemClock, logger: silentLogger, onStop: 'throw' } as const;
  const ended = supervise(supervised, options, stop.signal);
  ended.catch(() => undefined);
  return Object.assign(scene, {
    orders,
    ended,
    async end() {
      stop.abort();
      await ended.catch(() => undefined);
    },
    tellAsOther: () => board.write({ ...othersNote, beat_ms: Date.now() }),
    note: async () => (await board.read()).find(({ service }) => service === 'replica'),
  });
}

/** What another process says of the service. */
const othersNote = {
  service: 'replica',
  state: 'running',
  doing: 'applying',
  since_ms: Date.now(),
  pid: 1,
  host: 'elsewhere',
  figures: {},
} as const;
const patience = { interval: 20, timeout: 5_000 };

it('a standby neither writes over the note of the process that works nor takes its orders', async () => {
  const scene = await stage(standby, { isSpokenFor: true });
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  expect(await scene.note()).toMatchObject({ host: 'elsewhere' });
  expect(scene.carriedOut).toBe(0);
  scene.showing = active;
  await expect.poll(() => scene.carriedOut, patience).toBe(1);
  await scene.end();
});

it('one that starts after another has stopped speaks at once, and carries out the order that waits', async () => {
  const scene = await stage(active, { isStopped: true });
  await expect.poll(() => scene.carriedOut, patience).toBe(1);
  await expect.poll(async () => (await scene.note())?.pid, patience).toBe(process.pid);
  await scene.end();
});

it('one whose server goes away while it opens waits for it, and shows why', async () => {
  const scene = await stage(active, { absent: 4 });
  await expect
    .poll(async () => (await scene.note())?.fault?.code, { interval: 1, timeout: 5_000 })
    .toBe('MR-2001');
  await expect.poll(async () => (await scene.note())?.state, patience).toBe('running');
  await scene.end();
});

it('one that works shows the others beside it, and itself as ended when told to stop', async () => {
  const scene = await stage({ ...active, others: [{ host: 'b', pid: 7, doing: 'standby' }] });
  await expect
    .poll(() => scene.note(), patience)
    .toMatchObject({ state: 'running', others: [{ host: 'b', pid: 7, doing: 'standby' }] });
  await scene.end();
  expect(await scene.note()).toMatchObject({ state: 'stopped', doing: 'ended' });
});

it('one that took over from a process that is gone, and stops at once, tells its stop', async () => {
  const fault = new Fault('MR-4004', { detail: 'it is older than it was' });
  const scene = await stage(standby, { fault, isSpokenFor: true });
  await expect(scene.ended).rejects.toMatchObject({ code: 'MR-4004' });
  expect(await scene.note()).toMatchObject({
    state: 'stopped',
    fault: { code: 'MR-4004' },
    pid: process.pid,
  });
}, 15_000);

it('a standby that stops leaves the note to the process that goes on working', async () => {
  const fault = new Fault('MR-4004', { detail: 'it is older than it was' });
  const scene = await stage(standby, { fault, isSpokenFor: true });
  const beating = setInterval(() => void scene.tellAsOther(), 300);
  await expect(scene.ended).rejects.toMatchObject({ code: 'MR-4004' });
  clearInterval(beating);
  expect(await scene.note()).toMatchObject({ state: 'running', host: 'elsewhere' });
}, 15_000);

it('one that was taken for a standby until its end takes its own note back', async () => {
  const scene = await stage(active);
  await expect.poll(async () => (await scene.note())?.state, patience).toBe('running');
  scene.showing = standby;
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  await scene.end();
  expect(await scene.note()).toMatchObject({ state: 'stopped', doing: 'ended' });
});

it.each(['MR-4003', 'MR-2009'] as const)(
  'one that was fenced (%s) leaves the note to whoever took over',
  async (code) => {
    const fault = new Fault(code, { detail: 'belongs to another' });
    const scene = await stage(active, { fault, isSpokenFor: true });
    await expect(scene.ended).rejects.toMatchObject({ code });
    expect(await scene.note()).toMatchObject({ state: 'running', doing: 'applying' });
  },
);

it('an order that cannot be carried out tells whoever placed it why', async () => {
  const scene = await stage(active, { isStopped: true, isRefusing: true });
  const order = { id: '1', kind: 'restart', placed_ms: Date.now() } as const;
  await expect
    .poll(() => scene.orders.failure('replica', order), patience)
    .toMatchObject({ code: 'MR-4001', detail: 'connection refused' });
  expect(await scene.orders.waiting('replica', Date.now())).toBeUndefined();
  expect(await scene.orders.failure('replica', { ...order, id: '2' })).toBeUndefined();
  await scene.end();
});

it('an order that the log does not let go is carried out once, and the service goes on', async () => {
  const scene = await stage(active, { isStopped: true, keepsOrders: true });
  await expect.poll(async () => (await scene.note())?.state, patience).toBe('running');
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  expect(scene.carriedOut).toBe(1);
  await scene.end();
  await expect(scene.ended).resolves.toBeUndefined();
});

it('one that is told to end before it began takes no order and leaves the note as it is', async () => {
  const scene = await stage(active, { isStopped: true, isAborted: true });
  await scene.ended;
  expect(scene.carriedOut).toBe(0);
  expect(await scene.orders.waiting('replica', Date.now())).toMatchObject({ id: '1' });
  expect(await scene.note()).toMatchObject({ host: 'elsewhere', doing: 'stopped' });
});
