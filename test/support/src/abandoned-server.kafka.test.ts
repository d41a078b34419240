import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { spawnScript } from './spawn-script.js';
import { waitFor } from './wait-for.js';

it('a broker ends and its folder goes when its process is killed, even while it stands still', {
  timeout: 60_000,
}, async () => {
  const child = spawnScript(new URL('./abandoned-kafka.sample.ts', import.meta.url), []);
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const [folder = '', pid = ''] = line.toString('utf8').trim().split(' ');
  const command = (): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  expect(existsSync(folder)).toBe(true);
  expect(command()).toContain(folder);
  child.kill('SIGKILL');
  await waitFor(() => !command().includes(folder) && !existsSync(folder), { what: 'broker and folder gone' });
});
