import { join } from 'node:path';
import { createDuckDbFollower } from '@millrace/follower-duckdb';
import { silentLogger } from '@millrace/runtime';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import type { Allocation } from '../measure/allocation.js';
import { stillClock } from '../playback/still-clock.js';
import type { Recording } from '../recording/recording.js';
import { applyTo } from './apply.js';

/** The whole applier into a DuckDB file. */
export async function duckdb(recording: Recording): Promise<Allocation> {
  const folder = await tempFolder('counts');
  const follower = createDuckDbFollower({
    path: join(folder, 'counts.duckdb'),
    name: 'counts',
    clock: stillClock,
    logger: silentLogger,
  });
  try {
    return await applyTo(recording, 'avro', follower);
  } finally {
    await follower.close();
    await removeTempFolder(folder);
  }
}
