import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { childrenOf, identityOf, isRunning, parseStat, stillRuns } from './process-table.js';

it('reads a stat line whose command holds spaces and parentheses', () => {
  const fields = Array.from({ length: 49 }, (_, index) => String(index + 4));
  expect(parseStat(`4711 (a) b (c)) S ${fields.join(' ')}`)).toEqual({
    pid: 4711,
    state: 'S',
    parent: 4,
    start: '22',
  });
  expect(parseStat('nonsense')).toBeUndefined();
});

it('knows a child while it runs and no longer', async () => {
  const child = spawn('sleep', ['30'], { stdio: 'ignore' });
  const pid = child.pid ?? -1;
  const identity = identityOf(pid);
  expect(childrenOf(process.pid)).toContain(pid);
  expect(isRunning(pid)).toBe(true);
  expect(stillRuns(identity)).toBe(true);
  expect(stillRuns({ ...identity, start: '1' })).toBe(process.platform !== 'linux');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isRunning(pid)).toBe(false);
  expect(stillRuns(identity)).toBe(false);
});
