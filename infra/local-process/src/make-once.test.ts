import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeOnce } from './make-once.js';
import { identityOf } from './process-table.js';

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'make-once-'));
  folder = join(base, 'made');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('many who want a folder get it made by one', async () => {
  let made = 0;
  const make = async (building: string): Promise<void> => {
    made += 1;
    await sleep(100);
    writeFileSync(join(building, 'file'), 'whole');
    expect(existsSync(folder)).toBe(false);
  };
  await Promise.all(Array.from({ length: 5 }, () => makeOnce(folder, make)));
  expect(made).toBe(1);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('whole');
});

it('a failure reaches the one who made it, and the next one tries again', async () => {
  const failing = makeOnce(folder, async (building) => {
    writeFileSync(join(building, 'half'), '');
    throw new Error('disk full');
  });
  await expect(failing).rejects.toThrow('disk full');
  expect(readdirSync(base)).toEqual([]);
  await makeOnce(folder, () => Promise.resolve());
  expect(existsSync(folder)).toBe(true);
});

it('takes over from a process that died while making it, and not from one that lives', async () => {
  const other = spawn('sleep', ['60'], { stdio: 'ignore' });
  mkdirSync(`${folder}.lock`);
  writeFileSync(`${folder}.lock/owner.json`, JSON.stringify(identityOf(other.pid ?? -1)));
  let made = false;
  const making = makeOnce(folder, async () => {
    made = true;
  });
  await sleep(200);
  expect(made).toBe(false);
  other.kill('SIGKILL');
  await once(other, 'exit');
  await making;
  expect(made).toBe(true);
});
