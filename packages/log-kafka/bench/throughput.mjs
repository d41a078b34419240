// How fast the log takes and gives events on real brokers, started here (or MILLRACE_KAFKA_BROKERS=host:port,…).
// Run after a build: node bench/throughput.mjs [brokers 1|3] [compression]
import { startKafka } from '@millrace/local-kafka';
import { cpu_s, LogThroughput, partitions, perSecond, rounded, shapes, value } from '@millrace/log/bench';
import { openKafkaLog } from '@millrace/log-kafka';
import { silentLogger, systemClock } from '@millrace/runtime';
import { Kafka, logLevel } from 'kafkajs';

/** Of the rounds, for the peer: it takes several times as long. */
const peerRounds = 1 / 5;
const nodes = Number(process.argv[2] ?? 1);
const compression = process.argv[3] ?? 'none';
const given = process.env.MILLRACE_KAFKA_BROKERS?.split(',');
const cluster = given ? undefined : await startKafka({ nodes, jvm: ['-XX:TieredStopAtLevel=4'] });
const brokers = given ?? cluster.brokers;
const prefix = `bench-${Date.now()}`;
const topic = `${prefix}.public.orders`;
const log = await openKafkaLog({
  brokers,
  prefix,
  topics: { compression },
  clock: systemClock,
  logger: silentLogger,
});

/** The same events through kafkajs's own producer, one batch per publish and partition, acknowledged by all replicas. */
async function peer(events, rounds) {
  const kafka = new Kafka({ brokers, clientId: 'peer', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ maxInFlightRequests: 1 });
  const header = Buffer.alloc(28, 1);
  await producer.connect();
  const cpuBefore_s = cpu_s();
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
    write_cpu_us_per_event: rounded(((cpu_s() - cpuBefore_s) / total) * 1e6),
  };
  await producer.disconnect();
  return row;
}

const bench = await LogThroughput.open(log, topic);
const rows = [];
const peers = [];
for (const [events, rounds] of shapes) {
  rows.push(await bench.measure(events, rounds));
  if (compression === 'none') peers.push(await peer(events, Math.ceil(rounds * peerRounds)));
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
