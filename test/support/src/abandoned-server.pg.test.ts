import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startPostgres } from './postgres.js';
import { spawnScript } from './spawn-script.js';
import { waitFor } from './wait-for.js';

const script = new URL('./abandoned-server.sample.ts', import.meta.url);

async function folderOf(child: ReturnType<typeof spawnScript>): Promise<string> {
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return line.toString('utf8').trim();
}

function serverPid(folder: string): number {
  return Number.parseInt(readFileSync(join(folder, 'server.pid'), 'utf8'), 10);
}

function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Pids of the watchdogs of `folder`, told by their command line. */
function watchdogsOf(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const command = existsSync(`/proc/${pid}/cmdline`)
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      : [];
    return command.includes('millrace-watchdog') && command.includes(folder);
  });
}

it.each(['stay', 'leave'])('a server ends and its folder goes when its process is gone (%s)', async (how) => {
  const child = spawnScript(script, [how]);
  const folder = await folderOf(child);
  const pid = serverPid(folder);
  if (how === 'stay') child.kill('SIGKILL');
  await waitFor(() => !runs(pid) && !existsSync(folder), { what: 'server and folder gone' });
});

it('what a killed process with a killed watchdog left is removed at the next start', async () => {
  const child = spawnScript(script, ['stay']);
  const folder = await folderOf(child);
  const pid = serverPid(folder);
  const watchdogs = watchdogsOf(folder);
  expect(watchdogs).toHaveLength(1);
  for (const watchdog of watchdogs) process.kill(watchdog, 'SIGKILL');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(runs(pid)).toBe(true);
  await using _next = await startPostgres({ version: 18 });
  await waitFor(() => !runs(pid) && !existsSync(folder), { what: 'server and folder gone' });
});

it('a process that merely has the pid an abandoned server had is left alone', async () => {
  await using server = await startPostgres({ version: 18 });
  const innocent = spawn('sleep', ['60'], { stdio: 'ignore' });
  const folder = `${server.folder}-abandoned`;
  await mkdir(folder);
  await writeFile(join(folder, 'server.pid'), `${innocent.pid}\n`);
  await cp(join(server.folder, 'owner.json'), join(folder, 'owner.json'));
  const owner = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(folder, 'owner.json'), JSON.stringify({ ...owner, start: '1' }));
  await using _next = await startPostgres({ version: 18 });
  await waitFor(() => !existsSync(folder), { what: 'folder gone' });
  expect(runs(innocent.pid ?? -1)).toBe(true);
  innocent.kill();
});
