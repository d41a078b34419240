// How fast the log takes and gives events on real brokers, started here (or MILLRACE_KAFKA_BROKERS=host:port,…).
// Run after a build: node bench/throughput.mjs [brokers 1|3] [compression]
import { readFileSync } from 'node:fs';
import { startKafka } from '@millrace/local-kafka';
import { encodeRecord, RecordPacker, readRecordEvents } from '@millrace/log';
import { openKafkaLog } from '@millrace/log-kafka';
import { silentLogger, systemClock } from '@millrace/runtime';
import { Kafka, logLevel } from 'kafkajs';

const partitions = 4;
const value = Buffer.alloc(160, 'v');
const noColumns = new Uint8Array(0);
const header = Buffer.alloc(28, 1);
const nodes = Number(process.argv[2] ?? 1);
const compression = process.argv[3] ?? 'none';
const given = process.env.MILLRACE_KAFKA_BROKERS?.split(',');
const cluster = given ? undefined : await startKafka({ nodes, jvm: ['-XX:TieredStopAtLevel=4'] });
const prefix = `bench-${Date.now()}`;
const topic = `${prefix}.public.orders`;
const log = await openKafkaLog({
  brokers: given ?? cluster.brokers,
  prefix,
  topics: { compression },
  clock: systemClock,
  logger: silentLogger,
});
const fence = { epoch: 1, nonce: new Uint8Array(16).fill(7) };
const appender = log.appender(fence);
let seq = 0n;
let end = 10;
const head = () => ({ logId: log.id, ...fence, seq: seq++ });
const position = (at) => ({ history: 0, end: BigInt(at) });

async function openChain() {
  const claim = { ...head(), kind: 'claim', host: 'bench', pid: process.pid, version: '0' };
  await log.progress.appendClaim(encodeRecord(claim), fence);
  await log.createTopic(topic, partitions);
  const layout = [{ number: 1, name: topic, partitions, endOffsets: Array(partitions).fill(0n) }];
  const leader = { systemId: 1n, timeline: 1, ancestry: [] };
  const open = {
    ...head(),
    kind: 'open',
    at: position(end),
    ...leader,
    layout,
    snapshots: [],
    relations: [],
  };
  await appender.publish([], () => encodeRecord(open));
}

const packers = Array.from({ length: partitions }, () => new RecordPacker(1 << 20));

function pack(events, commit) {
  for (const packer of packers) packer.reset();
  const stamp = { flags: 0, epoch: 1, commitHigh: 0, commitLow: commit, ordinalHigh: 0, ordinalLow: 0 };
  for (let i = 0; i < events; i++) {
    const packer = packers[i % partitions];
    packer.begin({ ...stamp, ordinalLow: i, relationVersion: 1 }, noColumns);
    packer.out.u64(BigInt(i));
    packer.beginValue(true);
    packer.out.bytes(value);
    packer.end();
  }
  return packers.flatMap((packer, partition) =>
    packer.count > 0 ? [{ topic, partition, records: packer.records() }] : [],
  );
}

async function publish(events) {
  const batches = pack(events, end);
  const counts = new Map(batches.map(({ partition, records }) => [partition, records.count]));
  const fixed = {
    firstCommit_us: 0n,
    lastCommit_us: 0n,
    transactions: 1,
    barrier: false,
    snapshotDone: false,
  };
  let record;
  await appender.publish(batches, (ranges) => {
    record = {
      ...head(),
      kind: 'progress',
      from: position(end),
      to: position(end + 10),
      eventsEpoch: 1,
      events: BigInt(events),
      ...fixed,
      ranges: ranges.map(({ partition, first, last }) => ({
        topic: 1,
        partition,
        first,
        last,
        count: counts.get(partition),
      })),
    };
    return encodeRecord(record);
  });
  end += 10;
  return record;
}

const cpu_s = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const rssAnon_mb = () => {
  const found = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return found ? Math.round(Number(found[1]) / 1024) : undefined;
};
const perSecond = (count, ms) => Math.round(count / (ms / 1000));

async function measure(events, rounds) {
  const records = [];
  const latencies = [];
  const cpuBefore = cpu_s();
  const started = performance.now();
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    records.push(await publish(events));
    latencies.push(performance.now() - begun);
  }
  const written_ms = performance.now() - started;
  const cpuWritten = cpu_s();
  let seen = 0;
  const options = { signal: new AbortController().signal, max_bytes: 4 << 20 };
  const reading = performance.now();
  for (const record of records)
    await readRecordEvents(log, record, () => topic, { event: () => seen++ }, options);
  const read_ms = performance.now() - reading;
  const total = events * rounds;
  if (seen !== total) throw new Error(`${seen} of ${total} events came back`);
  latencies.sort((a, b) => a - b);
  return {
    events_per_publish: events,
    written_per_s: perSecond(total, written_ms),
    write_cpu_us_per_event: Number((((cpuWritten - cpuBefore) / total) * 1e6).toFixed(2)),
    publish_p50_ms: Number(latencies[rounds >> 1].toFixed(2)),
    publish_p99_ms: Number(latencies[Math.floor(rounds * 0.99)].toFixed(2)),
    read_per_s: perSecond(total, read_ms),
    rss_anon_mb: rssAnon_mb(),
  };
}

/** The same events through kafkajs's own producer, one batch per publish and partition, acknowledged by all replicas. */
async function peer(events, rounds) {
  const kafka = new Kafka({
    brokers: given ?? cluster.brokers,
    clientId: 'peer',
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer({ maxInFlightRequests: 1 });
  await producer.connect();
  const cpuBefore = cpu_s();
  const started = performance.now();
  for (let i = 0; i < rounds; i++) {
    const messages = Array.from({ length: events }, (_, at) => ({
      key: Buffer.from(String(at)),
      value,
      partition: at % partitions,
      headers: { millrace: header },
    }));
    await producer.sendBatch({ topicMessages: [{ topic, messages }], acks: -1 });
  }
  const total = events * rounds;
  const row = {
    events_per_publish: events,
    written_per_s: perSecond(total, performance.now() - started),
    write_cpu_us_per_event: Number((((cpu_s() - cpuBefore) / total) * 1e6).toFixed(2)),
  };
  await producer.disconnect();
  return row;
}

await openChain();
const rows = [];
const peers = [];
const shapes = [
  [1, 500],
  [100, 300],
  [5_000, 200],
  [20_000, 50],
];
for (const [events, rounds] of shapes) {
  rows.push(await measure(events, rounds));
  if (compression === 'none') peers.push(await peer(events, Math.ceil(rounds / 5)));
}
console.table(rows);
if (peers.length > 0) {
  console.log("kafkajs's own producer, in the same run, interleaved:");
  console.table(peers);
}
console.log(
  `${given ? 'given brokers' : `${nodes} broker(s)`}, compression ${compression}, node ${process.version}`,
);
await log.close();
await cluster?.remove();
