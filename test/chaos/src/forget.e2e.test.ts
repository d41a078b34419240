import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FollowerReports } from '@millrace/log';
import { expect, it } from 'vitest';
import { readLog } from './log-view.js';
import { Stage } from './stage.js';

const limit_ms = 120_000;

it(
  'a follower that was removed no longer holds the log once it is forgotten, and not before',
  async () => {
    await using stage = await Stage.set();
    await stage.open();
    await stage.untilLakeEqual();
    await stage.pipeline.part('lake').stop();
    const registered = (): Promise<readonly string[]> =>
      readLog(stage.pipeline, async (log) =>
        (await new FollowerReports(log).list()).map(({ follower }) => follower).sort(),
      );
    await expect(stage.run('forget', 'lake')).rejects.toThrow(/still configured/);
    expect(await registered()).toEqual(['lake', 'replica']);

    const file = join(stage.pipeline.folder, 'millrace.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^ {2}lake: .*$/m, ''));
    await stage.run('forget', 'lake');
    expect(await registered()).toEqual(['replica']);
    await expect(stage.run('forget', 'nobody')).rejects.toThrow(/knows no follower/);
    await stage.onLeader(`INSERT INTO items VALUES (300, 'after')`);
    await stage.untilReplicaEqual();
  },
  limit_ms,
);
