import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { Epoch, openLog, topic } from './testing/session.js';

const freshPath = (): string => join(tempFolder('log'), 'log');
const dataFile = (path: string): string => join(path, 'data.mdb');

async function places(path: string): Promise<number> {
  const log = await openLog(path, { readOnly: true });
  try {
    const { high } = await log.watermarks(topic, 0);
    let count = 0;
    const range = { topic, partition: 0, first: 0n, last: high - 1n };
    for await (const batch of log.read(range, { signal: AbortSignal.timeout(5_000), max_bytes: 1 << 20 }))
      count += batch.count;
    return count;
  } finally {
    await log.close();
  }
}

it('makes nothing in a directory that holds other things', async () => {
  const path = freshPath();
  await mkdir(path);
  await writeFile(join(path, 'letters.txt'), 'mine');
  await expect(openLog(path)).rejects.toMatchObject({ code: 'MR-3014' });
  expect(existsSync(dataFile(path))).toBe(false);
  await expect(openLog(join(path, 'letters.txt'))).rejects.toMatchObject({ code: 'MR-3014' });
});

it('refuses a file that is no LMDB file, and an LMDB file that is no log', async () => {
  const path = freshPath();
  await mkdir(path);
  await writeFile(dataFile(path), Buffer.alloc(16_384, 0x5a));
  await expect(openLog(path)).rejects.toMatchObject({ code: 'MR-3014' });
  await expect(openLog(path, { readOnly: true })).rejects.toMatchObject({ code: 'MR-3014' });
});

it('does not make a log for a reader', async () => {
  const path = freshPath();
  await expect(openLog(path, { readOnly: true })).rejects.toMatchObject({ code: 'MR-3008' });
  expect(existsSync(path)).toBe(false);
});

it('is no log yet for a reader while a writer is still making it', async () => {
  const path = freshPath();
  await (await openLog(path)).close();
  // The last file to be made; all others stand as they do a moment before it.
  await rm(join(path, 'wake'));
  await expect(openLog(path, { readOnly: true })).rejects.toMatchObject({ code: 'MR-3008' });
  await (await openLog(path)).close();
  await (await openLog(path, { readOnly: true })).close();
});

it('notices a damaged event by its checksum, and a damaged record likewise', async () => {
  const path = freshPath();
  const log = await openLog(path);
  const epoch = await Epoch.begin(log);
  await epoch.commit(50, 200);
  await log.close();
  expect(await places(path)).toBe(50);
  const bytes = await readFile(dataFile(path));
  // The same values stand in both partitions: damage one in each.
  const value = Buffer.alloc(200, 'v');
  for (const found of [bytes.indexOf(value), bytes.lastIndexOf(value)]) bytes[found + 100] = 0x21;
  await writeFile(dataFile(path), bytes);
  await expect(places(path)).rejects.toMatchObject({ code: 'MR-3012' });
  // Pages are copied on write: older copies of the claim may stand about.
  for (let host = bytes.indexOf('here'); host >= 0; host = bytes.indexOf('here')) bytes[host] = 0x21;
  await writeFile(dataFile(path), bytes);
  const damaged = await openLog(path, { readOnly: true });
  await expect(damaged.progress.read(0n, 1 << 20)).rejects.toMatchObject({ code: 'MR-3012' });
  await damaged.close();
});

it('refuses a log whose file was cut off', async () => {
  const path = freshPath();
  const log = await openLog(path);
  await (await Epoch.begin(log)).commit(5_000, 200);
  await log.close();
  await truncate(dataFile(path), 5_000);
  await expect(openLog(path)).rejects.toMatchObject({ code: 'MR-3014' });
});
