import { expect, it } from 'vitest';
import { Cleanup } from './cleanup.js';

it('undoes everything, last first, once, whatever fails, and tells what did', async () => {
  const cleanup = new Cleanup();
  const done: string[] = [];
  cleanup.defer(() => done.push('server'));
  cleanup.defer(async () => {
    throw new Error('slot in use');
  });
  cleanup.defer(() => done.push('process'));
  await expect(cleanup.run()).rejects.toThrow('slot in use');
  await cleanup.run();
  expect(done).toEqual(['process', 'server']);
});
