// How fast the embedded log takes and gives events, on the disk under TMPDIR. Run after a build: node bench/throughput.mjs
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogThroughput, perSecond, shapes } from '@millrace/log/bench';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));

/** What the disk itself takes: bytes written and flushed in pieces of 1 MiB. */
function disk_mbPerSecond() {
  const file = openSync(join(folder, 'plain'), 'w');
  const block = Buffer.alloc(1 << 20, 1);
  const started = performance.now();
  for (let i = 0; i < 50; i++) {
    writeSync(file, block);
    fdatasyncSync(file);
  }
  closeSync(file);
  return perSecond(50, performance.now() - started);
}

const log = await openEmbeddedLog({
  path: join(folder, 'log'),
  retention: { followers: 'hold' },
  clock: systemClock,
  logger: silentLogger,
});
const bench = await LogThroughput.open(log, 'shop.public.orders');
const rows = [];
for (const [events, rounds] of shapes) rows.push(await bench.measure(events, rounds));
console.table(rows);
console.log(`disk: ${disk_mbPerSecond()} MiB/s in flushed pieces of 1 MiB; node ${process.version}`);
await log.close();
rmSync(folder, { recursive: true });
