import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRecord, RecordPacker, readRecordEvents } from '@millrace/log';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const log = await openEmbeddedLog({
  path: join(folder, 'log'),
  retention: { followers: 'hold' },
  clock: systemClock,
  logger: silentLogger,
});
const fence = { epoch: 1, nonce: new Uint8Array(16).fill(7) };
const head = (seq) => ({ logId: log.id, epoch: 1, nonce: fence.nonce, seq });
await log.progress.appendClaim(
  encodeRecord({ ...head(0n), kind: 'claim', host: 'h', pid: 1, version: '1' }),
  fence,
);
const topic = 'shop.public.orders';
const partitions = 4;
await log.createTopic(topic, partitions);
const appender = log.appender(fence);
const layout = [{ number: 1, name: topic, partitions, endOffsets: Array(partitions).fill(0n) }];
await appender.publish([], () =>
  encodeRecord({
    ...head(1n),
    kind: 'open',
    at: { history: 0, end: 1n },
    systemId: 1n,
    timeline: 1,
    ancestry: [],
    layout,
    snapshots: [],
    relations: [],
  }),
);
const rss = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
const packers = Array.from({ length: partitions }, () => new RecordPacker(1 << 20));
const value = Buffer.alloc(160, 0x61);
const none = new Uint8Array(0);
let seq = 2n;
let commit = 10;
const records = [];
async function publish(events, transactions) {
  for (const p of packers) p.reset();
  const from = commit;
  const counts = Array(partitions).fill(0);
  const per = events / transactions;
  for (let t = 0; t < transactions; t++) {
    commit += 10;
    for (let i = 0; i < per; i++) {
      const p = packers[i % partitions];
      counts[i % partitions]++;
      p.begin(
        {
          flags: 0,
          epoch: 1,
          commitHigh: 0,
          commitLow: commit,
          ordinalHigh: 0,
          ordinalLow: i,
          relationVersion: 1,
        },
        none,
      );
      p.out.u64(BigInt(i));
      p.beginValue(true);
      p.out.bytes(value);
      p.end();
    }
  }
  const to = commit + 1;
  const batches = packers.flatMap((p, partition) =>
    p.count ? [{ topic, partition, records: p.records() }] : [],
  );
  let record;
  await appender.publish(batches, (ranges) => {
    record = {
      ...head(seq),
      kind: 'progress',
      from: { history: 0, end: BigInt(from === 10 ? 1 : from + 1) },
      to: { history: 0, end: BigInt(to) },
      eventsEpoch: 1,
      firstCommit_us: 0n,
      lastCommit_us: 0n,
      transactions,
      events: BigInt(events),
      ranges: ranges.map((r) => ({
        topic: 1,
        partition: r.partition,
        first: r.first,
        last: r.last,
        count: counts[r.partition],
      })),
      barrier: false,
      snapshotDone: false,
    };
    return encodeRecord(record);
  });
  seq++;
  return record;
}
const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1e6;
};
for (const [events, tx, rounds] of [
  [1, 1, 500],
  [100, 10, 300],
  [5000, 5, 200],
  [20000, 20, 50],
  [200000, 1, 5],
]) {
  const c0 = cpu();
  const t0 = performance.now();
  let n = 0;
  const lat = [];
  records.length = 0;
  for (let i = 0; i < rounds; i++) {
    const s = performance.now();
    records.push(await publish(events, tx));
    lat.push(performance.now() - s);
    n += events;
  }
  const s = (performance.now() - t0) / 1000;
  lat.sort((a, b) => a - b);
  const c1 = cpu();
  const t1 = performance.now();
  let got = 0;
  const sink = {
    event() {
      got++;
    },
  };
  for (const r of records)
    await readRecordEvents(log, r, () => topic, sink, {
      signal: new AbortController().signal,
      max_bytes: 4 << 20,
    });
  const rs = (performance.now() - t1) / 1000;
  if (got !== n) throw new Error(`${got} of ${n}`);
  console.log(
    `${events} events/publish: ${Math.round(n / s)} ev/s, ${(c1 - c0).toFixed(2)} cpu-s (${(((c1 - c0) / n) * 1e6).toFixed(2)} us/ev), publish p50 ${lat[lat.length >> 1].toFixed(2)} p99 ${lat[Math.floor(lat.length * 0.99)].toFixed(2)} ms; read ${Math.round(n / rs)} ev/s ${(((cpu() - c1) / n) * 1e6).toFixed(2)} cpu us/ev; RssAnon ${rss().toFixed(0)} MB`,
  );
}
const st = await log.stats();
console.log(st.used_bytes, st.file_bytes);
await log.close();
rmSync(folder, { recursive: true });
