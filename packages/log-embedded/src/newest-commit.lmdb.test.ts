import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { removeTempFolder, spawnScript, tempFolder } from '@millrace/test-support';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Store } from './store.js';

const key = Buffer.from('counter');
const openers = 6;
let path: string;

beforeEach(() => {
  path = tempFolder('newest-commit');
});
afterEach(() => removeTempFolder(path));

const valueIn = (store: Store): number => Number(store.tables.get(key)?.toString() ?? 0);
const count = (store: Store): number =>
  store.write(() => {
    const next = valueIn(store) + 1;
    store.tables.putSync(key, Buffer.from(String(next)));
    return next;
  });

it('promise 1: a commit that LMDB was made to forget is found, and not overwritten', async () => {
  const store = new Store(path, { readOnly: false });
  // What a process does that opens the environment while another commits: it puts back the number that it had read before. Never closed:
  // that would take this process's locks away.
  const lock = openSync(join(path, 'lock.mdb'), 'r+');
  for (const forgotten of [1, 2, 3]) {
    for (let i = 0; i < 5; i++) count(store);
    const before = store.read(() => valueIn(store));
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(store.newest() - BigInt(forgotten));
    writeSync(lock, id, 0, 8, 8);
    expect(count(store)).toBe(before + 1);
  }
  await store.close();
});

it(`promise 1: ${openers} processes that open the log meanwhile make no writer lose a commit`, async () => {
  const store = new Store(path, { readOnly: false });
  let last = count(store);
  let ended = 0;
  const opening = (async () => {
    for (let i = 0; i < openers / 2; i++) {
      const both = [0, 1].map(() =>
        spawnScript(new URL('./testing/opener.sample.ts', import.meta.url), [path]),
      );
      await Promise.all(both.map((process) => once(process, 'exit')));
      ended += 2;
    }
  })();
  while (ended < openers) {
    for (let i = 0; i < 200; i++) {
      const next = count(store);
      expect(next).toBe(last + 1);
      last = next;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await opening;
  await store.close();
}, 120_000);
