import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { spawnScript } from './spawn-script.js';

it('runs a TypeScript file with workspace packages from source in a process that can be killed', async () => {
  const script = new URL('./spawn-script.sample.ts', import.meta.url);
  const child = spawnScript(script, ['hello']);
  const output = child.stdout === null ? '' : await text(child.stdout);
  expect(output).toBe('hello MR-9001\n');
  expect(child.pid).not.toBe(process.pid);
});

it('dies by the signal it is sent', async () => {
  const child = spawnScript(new URL('./spawn-script.sample.ts', import.meta.url), ['wait']);
  child.kill('SIGKILL');
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
});
