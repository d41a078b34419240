import { createInterface } from 'node:readline';
import { Epoch, openLog } from './session.js';

/**
 * Claims, then publishes one commit per line on stdin and says when it was durable: `<offset> <milliseconds since the epoch>`.
 * A refused commit says its code, and the same commit is tried again at the next line. Ends with stdin.
 */
const value_bytes = Number(process.argv[3] ?? 20);
const perPartition = 1;
const log = await openLog(process.argv[2] as string);
const epoch = await Epoch.begin(log);
process.stdout.write(`claimed ${epoch.fence.epoch}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  try {
    const offset = await epoch.commit(perPartition, value_bytes);
    process.stdout.write(`${offset} ${performance.timeOrigin + performance.now()}\n`);
  } catch (error) {
    process.stdout.write(`fault ${(error as { code?: string }).code}\n`);
  }
}
await log.close();
