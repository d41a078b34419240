import { setTimeout as sleep } from 'node:timers/promises';
import { ChainReader } from '@millrace/log';
import { openKafkaLog } from '@millrace/log-kafka';
import { isFault, silentLogger, systemClock } from '@millrace/runtime';

const poll_ms = 50;
const timeout_ms = 300_000;

/** Resolves when a pipeline's log says that its initial snapshot is complete. `failed` throws when that will not come. */
export async function awaitSnapshotEnd(
  brokers: readonly string[],
  pipeline: string,
  failed: () => void,
): Promise<void> {
  const deadline = performance.now() + timeout_ms;
  while (!(await isSnapshotDone(brokers, pipeline))) {
    failed();
    if (performance.now() > deadline) throw new Error(`${pipeline}: no end of the snapshot`);
    await sleep(poll_ms);
  }
}

async function isSnapshotDone(brokers: readonly string[], prefix: string): Promise<boolean> {
  const options = { brokers, prefix, readOnly: true, clock: systemClock, logger: silentLogger };
  const log = await openKafkaLog(options).catch((error: unknown) => {
    if (isFault(error, 'MR-3015')) return undefined; // the capture has not made it yet
    throw error;
  });
  if (!log) return false;
  try {
    const records = await new ChainReader(log, { kind: 'start' }).readToHead();
    return records.some(({ record }) => record.kind === 'progress' && record.snapshotDone);
  } finally {
    await log.close();
  }
}
