import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ChainReader } from '@millrace/log';
import { spawnScript, tempFolder } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { openLog } from './testing/session.js';

/** The kernel refuses to let the log's file grow, as a full disk does; lifted again while the writer lives. */
const limitFileSize = (pid: number, bytes: number | 'unlimited'): void => {
  execFileSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
};

it('promise 10: a full disk is MR-3009, loses nothing acknowledged, and heals without a restart', async () => {
  const path = join(tempFolder('log'), 'log');
  const child = spawnScript(new URL('./testing/publisher.sample.ts', import.meta.url), [path, '2000']);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value as string;
  const publish = async (): Promise<string> => {
    child.stdin?.write('go\n');
    return line();
  };
  try {
    expect(await line()).toBe('claimed 1');
    let acknowledged = await publish();
    limitFileSize(child.pid!, statSync(join(path, 'data.mdb')).size + 65_536);
    let answer = acknowledged;
    for (let n = 0; n < 50 && !answer.startsWith('fault'); n++) {
      acknowledged = answer;
      answer = await publish();
    }
    expect(answer).toBe('fault MR-3009');
    expect(await publish()).toBe('fault MR-3009');
    limitFileSize(child.pid!, 'unlimited');
    const healed = await publish();
    expect(healed).toMatch(/^\d+ /);
    const log = await openLog(path, { readOnly: true });
    const reader = new ChainReader(log, { kind: 'start' });
    const offsets = (await reader.readToHead()).map(({ offset }) => offset);
    await log.close();
    expect(offsets).toContain(BigInt(acknowledged.split(' ')[0] as string));
    expect(offsets.at(-1)).toBe(BigInt(healed.split(' ')[0] as string));
  } finally {
    child.kill('SIGKILL');
  }
}, 60_000);
