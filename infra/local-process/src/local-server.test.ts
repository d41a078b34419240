import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '@millrace/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LocalServer } from './local-server.js';
import { retryTakenPorts } from './port.js';
import { isRunning } from './process-table.js';
import { makeServerFolder } from './server-folder.js';

/** Serves nobody, and is ready when told. */
class Sleeper extends LocalServer {
  ready = false;

  static async create(runFolder: string): Promise<Sleeper> {
    return new Sleeper(await makeServerFolder(runFolder, 'sleeper'));
  }

  start(script = 'exec sleep 60', start_ms_max = 10_000): Promise<void> {
    const isReady = () => Promise.resolve(this.ready);
    return this.run({ name: 'Sleeper', program: '/bin/sh', args: ['-c', script], start_ms_max, isReady });
  }
}

let runFolder: string;
let server: Sleeper;
beforeEach(async () => {
  runFolder = realpathSync(mkdtempSync(join(tmpdir(), 'local-server-')));
  server = await Sleeper.create(runFolder);
});
afterEach(async () => {
  await server.remove();
  rmSync(runFolder, { recursive: true, force: true });
});

it('a server that is still starting can be ended, and its start says so', async () => {
  const starting = server.start();
  const failed = expect(starting).rejects.toThrow(/MR-7002.*ended while starting/);
  await sleep(50);
  expect(server.running).toBe(true);
  const { pid } = server;
  await server.remove();
  await failed;
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(server.folder)).toBe(false);
});

it('its pid is on disk and stays the same when the program takes over', async () => {
  server.ready = true;
  await server.start();
  await sleep(50);
  expect(readFileSync(join(server.folder, 'server.pid'), 'utf8').trim()).toBe(String(server.pid));
  await expect(server.start()).rejects.toThrow(/running already/);
  await server.stop();
  expect(server.running).toBe(false);
});

it('one that ends, or is not ready in time, shows the end of its log and runs no more', async () => {
  await expect(server.start('echo no memory left; exit 3')).rejects.toThrow(
    /ended while starting:\nno memory left/,
  );
  await expect(server.start('echo busy; exec sleep 60', 200)).rejects.toThrow(
    /not ready after 0\.2 s:\s+no memory left\s+busy/,
  );
  expect(server.running).toBe(false);
});

it('a taken port is a reason to try again, a few times; another failure is not', async () => {
  const failure = (detail: string) => new Fault('MR-7002', { detail });
  let tries = 0;
  const third = async () => {
    tries += 1;
    if (tries < 3) throw failure('bind: Address already in use');
    return 'started';
  };
  expect(await retryTakenPorts(third)).toBe('started');
  const never = () => Promise.reject(failure('bind: Address already in use'));
  await expect(retryTakenPorts(never)).rejects.toThrow(/already in use/);
  tries = 0;
  const broken = async () => {
    tries += 1;
    throw failure('no such file');
  };
  await expect(retryTakenPorts(broken)).rejects.toThrow(/no such file/);
  expect(tries).toBe(1);
});
