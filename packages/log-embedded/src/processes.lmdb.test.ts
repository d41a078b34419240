import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ChainReader } from '@millrace/log';
import { silentLogger } from '@millrace/runtime';
import { spawnScript, tempFolder, waitFor } from '@millrace/test-support';
import { afterEach, expect, it, vi } from 'vitest';
import type { EmbeddedLog } from './options.js';
import { Epoch, openLog } from './testing/session.js';

// Starting a process takes most of the time, and several times as long on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const children: ChildProcess[] = [];
const logs: EmbeddedLog[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const log of logs.splice(0)) await log.close();
});

const freshPath = (): string => join(tempFolder('log'), 'log');

async function opened(path: string, options: Parameters<typeof openLog>[1] = {}): Promise<EmbeddedLog> {
  const log = await openLog(path, options);
  logs.push(log);
  return log;
}

/** A script with its output as lines. */
function run(script: string, path: string): { child: ChildProcess; line(): Promise<string> } {
  const child = spawnScript(new URL(`./testing/${script}.sample.ts`, import.meta.url), [path]);
  children.push(child);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value as string };
}

it('wakes a reader in another process within a few milliseconds of the commit', async () => {
  const path = freshPath();
  const log = await opened(path);
  const publisher = run('publisher', path);
  await publisher.line();
  const latencies_ms: number[] = [];
  for (let i = 0; i < 30; i++) {
    const { high } = await log.progress.watermarks();
    const woken = log.progress
      .wait(high, AbortSignal.timeout(5_000))
      .then(() => performance.timeOrigin + performance.now());
    publisher.child.stdin?.write('go\n');
    const [, durable] = (await publisher.line()).split(' ');
    latencies_ms.push((await woken) - Number(durable));
    expect((await log.progress.watermarks()).high).toBeGreaterThan(high);
  }
  latencies_ms.sort((a, b) => a - b);
  // The poll alone would take half a second in the middle.
  expect(latencies_ms[15]).toBeLessThan(20);
});

it('I5, promise 6: a writer superseded by another process gets Fenced and changes nothing', async () => {
  const path = freshPath();
  const log = await opened(path);
  const zombie = await Epoch.begin(log);
  await zombie.commit(3);
  const successor = run('publisher', path);
  expect(await successor.line()).toBe('claimed 2');
  const before = await log.stats();
  await expect(zombie.commit(3)).rejects.toMatchObject({ code: 'MR-2009' });
  await expect(zombie.commitInParts(2, 3)).rejects.toMatchObject({ code: 'MR-2009' });
  expect({ ...(await log.stats()), file_bytes: 0 }).toEqual({ ...before, file_bytes: 0 });
  successor.child.stdin?.write('go\n');
  await successor.line();
  const reader = new ChainReader(log, { kind: 'start' });
  await reader.readToHead();
  expect(reader.state).toMatchObject({ epoch: 2, seq: 2n });
});

it('refuses a claim that another one preceded, and takes a repeated one for the same', async () => {
  const log = await opened(freshPath());
  const first = await Epoch.begin(log);
  const { high } = await log.progress.watermarks();
  const again = await log.progress.appendClaim(Buffer.from('same bytes'), first.fence);
  expect(again).toBe(0n);
  const rival = { epoch: 1, nonce: new Uint8Array(16).fill(9) };
  await expect(log.progress.appendClaim(Buffer.from('claim'), rival)).rejects.toMatchObject({
    code: 'MR-2009',
  });
  expect((await log.progress.watermarks()).high).toBe(high);
});

it('waits visibly for a paused process inside a write, and heals when it goes on', async () => {
  const path = freshPath();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void warnings.push(message) };
  const log = await opened(path, { logger });
  const epoch = await Epoch.begin(log);
  const pauser = run('pauser', path);
  expect(await pauser.line()).toBe('inside');
  let done = false;
  const committing = epoch.commit(1).then(() => {
    done = true;
  });
  const waiting = await waitFor(async () => (await log.stats()).waiting, { what: 'the wait to show' });
  expect(waiting?.reason).toContain(`process ${pauser.child.pid}`);
  expect(warnings[0]).toContain('MR-3010');
  expect(done).toBe(false);
  pauser.child.kill('SIGCONT');
  await committing;
  expect((await log.stats()).waiting).toBeUndefined();
  expect(await pauser.line()).toBe('left');
});

it('§12: a takeover ends a paused process that holds the lock, when it is certainly the one that registered', async () => {
  const path = freshPath();
  const log = await opened(path, { takeoverAfter_ms: 200 });
  await Epoch.begin(log);
  const pauser = run('pauser', path);
  expect(await pauser.line()).toBe('inside');
  const ended = once(pauser.child, 'exit');
  const claim = { epoch: 2, nonce: new Uint8Array(16).fill(2) };
  await log.progress.appendClaim(Buffer.from('claim'), claim);
  expect((await ended)[1]).toBe('SIGKILL');
});

it('§12: so does a process that starts up, as a successor must', async () => {
  const path = freshPath();
  await Epoch.begin(await opened(path));
  const pauser = run('pauser', path);
  expect(await pauser.line()).toBe('inside');
  const ended = once(pauser.child, 'exit');
  const successor = await Epoch.begin(await opened(path, { takeoverAfter_ms: 200 }));
  expect((await ended)[1]).toBe('SIGKILL');
  expect(successor.fence.epoch).toBe(2);
  await successor.commit(2);
});

it('serves reading handles beside writing ones in one process, and says when they come in the wrong order', async () => {
  const path = freshPath();
  const writer = await opened(path);
  const epoch = await Epoch.begin(writer);
  const reader = await opened(path, { readOnly: true });
  await epoch.commit(3);
  expect((await reader.progress.watermarks()).high).toBe(3n);
  await expect(reader.createTopic('other', 1)).rejects.toMatchObject({ code: 'MR-9001' });
  await reader.close();
  await writer.close();
  await opened(path, { readOnly: true });
  await expect(opened(path)).rejects.toMatchObject({ code: 'MR-9001' });
});
