import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { driverOn, faultOf, rowsOf, storedPosition } from '@millrace/follower/conformance';
import type { Row } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { removeTempFolder, spawnScript, tempFolder } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { items, play } from './crash-workload.sample.js';
import { createDuckDbFollower } from './follower.js';

const kills = 10;
const makersKilled = 4;
const timeout_ms = 120_000;

describe('a DuckDB file', () => {
  let folder: string;
  let path: string;
  const open = () => createDuckDbFollower({ path, name: 'copy', clock: systemClock, logger: silentLogger });

  beforeEach(() => {
    folder = tempFolder('duckdb-crash');
    path = join(folder, 'copy.duckdb');
  });
  afterEach(() => removeTempFolder(folder));

  /** Runs the writer for about `life_ms` after its first commit, kills it, and gives the last commit it told of. */
  async function runAndKill(life_ms: number): Promise<number> {
    const writer = spawnScript(new URL('./crash-writer.sample.ts', import.meta.url), [path]);
    let told = '';
    const first = new Promise<void>((resolve) => {
      writer.stdout?.on('data', (chunk: Buffer) => {
        told += chunk.toString();
        resolve();
      });
    });
    const ended = once(writer, 'exit');
    await Promise.race([first, ended]);
    await new Promise((resolve) => setTimeout(resolve, life_ms));
    writer.kill('SIGKILL');
    await ended;
    // The last line may be cut short by the kill.
    return Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
  }

  test(
    `killed ${kills} times while writing opens again, with every commit it told of and none in part`,
    async () => {
      const model = new Map<string, Row>();
      let played = 1;
      for (let kill = 0; kill < kills; kill++) {
        const told = await runAndKill(Math.random() * 120);
        const follower = open();
        const position = await follower.position();
        const reached = Number(position?.position.end);
        expect(reached).toBeGreaterThanOrEqual(told);
        // One commit may have reached the disk without having been told of.
        expect(reached).toBeLessThanOrEqual(told + 1);
        while (played < reached) await play(++played, model);
        const rows = await rowsOf(follower, items.relation);
        const expected = [...model.values()].sort((a, b) => Number(a[0]) - Number(b[0]));
        expect(rows).toEqual(expected);
        await follower.close();
      }
      expect(played).toBeGreaterThan(kills);
    },
    timeout_ms,
  );

  test(
    `whose maker was killed while the file appeared, ${makersKilled} times, opens all the same`,
    async () => {
      for (let kill = 0; kill < makersKilled; kill++) {
        path = join(folder, `made-${kill}.duckdb`);
        const writer = spawnScript(new URL('./crash-writer.sample.ts', import.meta.url), [path]);
        const ended = once(writer, 'exit');
        // The moment it can be seen at all is the moment at which a file made in place is still empty.
        while (!existsSync(path)) await nextTurn();
        writer.kill('SIGKILL');
        await ended;
        const follower = open();
        await follower.position();
        await follower.close();
      }
    },
    timeout_ms,
  );

  test(
    'held by another process is waited for, naming the holder, and opens once that one ends',
    async () => {
      const writer = spawnScript(new URL('./crash-writer.sample.ts', import.meta.url), [path]);
      await once(writer.stdout as NodeJS.ReadableStream, 'data');
      const follower = open();
      const refused = follower.position();
      await expect(refused).rejects.toMatchObject({ code: 'MR-4009' });
      await expect(refused).rejects.toThrow(new RegExp(`PID ${writer.pid}`));
      const ended = once(writer, 'exit');
      writer.kill('SIGKILL');
      await ended;
      expect(await follower.position()).toBeDefined();
      await follower.close();
    },
    timeout_ms,
  );

  test('that is not a DuckDB database is refused and left as it is', async () => {
    writeFileSync(path, 'something else entirely, which somebody may need');
    expect(await faultOf(open().position())).toBe('MR-4012');
    expect(readFileSync(path, 'utf8')).toMatch(/^something else/);
  });

  test('that was damaged is a fault with its remedy, and is built anew once moved aside', async () => {
    const driver = await driverOn(open());
    await driver.create(items);
    await driver.write(items, { upserts: [['1', 'one', null, null]] });
    await driver.follower.close();
    truncateSync(path, 9_000);
    appendFileSync(path, Buffer.alloc(4_000, 0xff));
    const refused = open().position();
    await expect(refused).rejects.toMatchObject({ code: 'MR-4012', remedy: expect.stringMatching(/aside/) });
    path = join(folder, 'anew.duckdb');
    const anew = open();
    await anew.register(storedPosition(0n, 'building'), { reset: true });
    expect(await anew.tables()).toEqual([]);
    await anew.close();
    expect(existsSync(path)).toBe(true);
  });

  test('whose folder is missing is waited for', async () => {
    path = join(folder, 'missing', 'copy.duckdb');
    expect(await faultOf(open().position())).toBe('MR-4001');
  });
});
