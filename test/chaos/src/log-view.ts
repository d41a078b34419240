import { join } from 'node:path';
import { type BatchRecord, ChainReader, type Log } from '@millrace/log';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';
import type { Pipeline } from './pipeline.js';

/** Looks into a pipeline's log beside the processes that use it. */
export async function readLog<T>(pipeline: Pipeline, look: (log: Log) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({
    path: join(pipeline.folder, 'log'),
    retention: { followers: 'hold' },
    clock: systemClock,
    logger: silentLogger,
    readOnly: true,
  });
  try {
    return await look(log);
  } finally {
    await log.close();
  }
}

/** The counting records that carry chunks of snapshots, in order. Empty while there is no log yet. */
export async function chunkRecords(pipeline: Pipeline): Promise<readonly BatchRecord[]> {
  return readLog(pipeline, async (log) => {
    const counting = await new ChainReader(log, { kind: 'start' }).readToHead();
    return counting.flatMap(({ record }) => (record.kind === 'progress' && record.chunk ? [record] : []));
  });
}
