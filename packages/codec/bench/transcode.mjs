// CPU seconds per million events for PostgreSQL text → Avro bytes → cells, 4-column rows (int, text, text, timestamp), in
// batches of 1,000 rows per transaction as a stream brings them. Run: pnpm exec tsc -b packages/codec && node packages/codec/bench/transcode.mjs
import { createCodec, memorySchemaStore } from '@millrace/codec';
import { baseType, columnOf, sampleContext, sampleTopic, tableOf } from '@millrace/codec/conformance';
import { rowImageOf } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';

const rounds = 7;
const events = 1_000_000;
const perTransaction = 1000;

const relation = tableOf([
  columnOf(1, 'id', baseType('int4'), { notNull: true }),
  columnOf(2, 'name', baseType('text')),
  columnOf(3, 'note', baseType('text')),
  columnOf(4, 'at', baseType('timestamp')),
]);

// One network chunk of rows, images pointing into it.
const rows = Array.from({ length: perTransaction }, (_, i) => [
  String(1_000_000 + i * 37),
  `customer ${i}`,
  `some words about order ${i * 7919}`,
  `2024-03-${String(1 + (i % 28)).padStart(2, '0')} 12:${String(i % 60).padStart(2, '0')}:07.${String(100_001 + i * 10)}`,
]);
const images = rows.map((row) => rowImageOf(row));
const change = {
  ...{ op: 'insert', relation, lsnHigh: 0x16, lsnLow: 0, before: undefined, beforeIsFull: false },
  after: images[0],
};
const context = { ...sampleContext };

const cpu_s = (from) => {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
};
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** CPU seconds of `work`, called with the number of events done before, for each transaction's worth of a round. */
function timed(work) {
  const start = process.cpuUsage();
  for (let done = 0; done < events; done += perTransaction) work(done);
  return cpu_s(start);
}

/** What is measured, by name: each takes the number of events done before and does one transaction's worth. */
function workloads(encoder, decoder, out) {
  let lsn = 0;
  const nextRow = (i) => {
    change.after = images[i];
    change.lsnLow = lsn = (lsn + 96) >>> 0;
  };
  const values = images.map((image) => {
    const one = new ByteWriter();
    change.after = image;
    encoder.value('c', change, context, one);
    return one.copy();
  });
  const present = () => false;
  return {
    rows(done) {
      out.reset();
      context.xid = done;
      context.sourceTime_us += 1000n;
      for (let i = 0; i < perTransaction; i++) {
        nextRow(i);
        encoder.value('c', change, context, out);
      }
    },
    key() {
      out.reset();
      for (let i = 0; i < perTransaction; i++) encoder.key(images[i], out);
    },
    // One-row transactions: the context changes with every event.
    single(done) {
      out.reset();
      for (let i = 0; i < perTransaction; i++) {
        nextRow(i);
        context.xid = done + i;
        context.lastCommitLow = lsn;
        context.sourceTime_us += 100n;
        encoder.value('c', change, context, out);
      }
    },
    decode() {
      for (let i = 0; i < perTransaction; i++) decoder.decode(values[i], present);
    },
  };
}

async function measure(format) {
  const options = { format, preset: 'lossless', connectorName: 'shop', database: 'shop', version: '0.1.0' };
  const codec = createCodec({ ...options, schemas: memorySchemaStore() });
  const encoder = await codec.encoder(sampleTopic, relation);
  const decoder = await codec.decoder(sampleTopic, relation);
  const out = new ByteWriter(1 << 20);
  const work = Object.entries(workloads(encoder, decoder, out));
  const figures = new Map(work.map(([name]) => [name, []]));
  let bytes = 0;
  for (let round = 0; round < rounds; round++)
    for (const [name, step] of work) {
      figures.get(name).push(timed(step));
      if (name === 'rows') bytes = out.position / perTransaction;
    }
  return {
    format,
    value_bytes: Math.round(bytes),
    ...Object.fromEntries(
      [...figures].map(([name, list]) => [
        `${name}_cpu_s_per_million`,
        { median: median(list), range: [Math.min(...list), Math.max(...list)] },
      ]),
    ),
  };
}

console.log(
  JSON.stringify({ node: process.version, results: [await measure('avro'), await measure('json')] }, null, 2),
);
