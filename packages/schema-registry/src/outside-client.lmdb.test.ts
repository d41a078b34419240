import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { createCodec, type SchemaStore, tableSchemaStore } from '@millrace/codec';
import {
  baseType,
  columnOf,
  sampleChange,
  sampleContext,
  tableOf,
  valueCorpus,
} from '@millrace/codec/conformance';
import { encodeRecord, type Log, type PartitionBatch, RecordCursor, RecordPacker } from '@millrace/log';
import { openEmbeddedLog } from '@millrace/log-embedded';
import type { Change, ColumnType, Relation } from '@millrace/model';
import { isFault, silentLogger, systemClock } from '@millrace/runtime';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { httpSchemaStore } from './index.js';
import { serve } from './testing/served.js';

/** 64-bit integers as bigint: avsc's own long refuses values above 2^53. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});
const typeHook = (attributes: unknown): avsc.Type | undefined =>
  attributes === 'long' || (attributes as { type?: unknown }).type === 'long' ? exactLong : undefined;

const outsideClient = (host: string): SchemaRegistry =>
  new SchemaRegistry(
    { host, retry: { retries: 0 } },
    { [SchemaType.AVRO]: { wrapUnions: true, typeHook } as unknown as Partial<avsc.ForSchemaOptions> },
  );

interface Sample {
  readonly topic: string;
  readonly relation: Relation;
  readonly changes: readonly Change[];
}

/** A table per type of the corpus, each value a row. */
const samples: readonly Sample[] = valueCorpus.map(
  ({ type, values }: { type: ColumnType; values: readonly string[] }, i) => {
    const relation = tableOf(
      [columnOf(1, 'id', baseType('int4'), { notNull: true }), columnOf(2, 'value', type)],
      { name: `typed_${i}` },
    );
    return {
      topic: `shop.public.typed_${i}`,
      relation,
      changes: values.map((value, id) => sampleChange(relation, null, [String(id), value])),
    };
  },
);

const fence = { epoch: 1, nonce: new Uint8Array(16).fill(1) };

async function openLog(path: string): Promise<Log> {
  const log = await openEmbeddedLog({
    path,
    retention: { followers: 'hold' },
    clock: systemClock,
    logger: silentLogger,
  });
  const head = { logId: log.id, epoch: 1, nonce: fence.nonce, seq: 0n };
  const claim = encodeRecord({ ...head, kind: 'claim', host: 'here', pid: process.pid, version: '0' });
  await log.progress.appendClaim(claim, fence);
  return log;
}

/** Writes every sample into its topic, as capture packs events. Values that the preset refuses are left out, as they would be. */
async function fill(log: Log, preset: 'lossless' | 'debezium', schemas: SchemaStore): Promise<number> {
  const names = { connectorName: 'shop', database: 'shop', version: '0.1.0' };
  const codec = createCodec({ format: 'avro', preset, schemas, ...names });
  const batches: PartitionBatch[] = [];
  for (const { topic, relation, changes } of samples) {
    await log.createTopic(topic, 1);
    const encoder = await codec.encoder(topic, relation);
    const packer = new RecordPacker();
    for (const [i, change] of changes.entries()) {
      const where = { flags: 0, epoch: 1, commitHigh: 0, commitLow: 1, ordinalHigh: 0, ordinalLow: i };
      packer.begin({ ...where, relationVersion: 1 }, new Uint8Array(0));
      try {
        if (change.after) encoder.key(change.after, packer.out);
        packer.beginValue(true);
        encoder.value('c', change, sampleContext, packer.out);
        packer.end();
      } catch (error) {
        if (!isFault(error, 'MR-5001')) throw error;
        packer.rollback();
      }
    }
    if (packer.count > 0) batches.push({ topic, partition: 0, records: packer.records() });
  }
  await log.appender(fence).append(batches);
  return batches.reduce((sum, { records }) => sum + records.count, 0);
}

/** Every event of the log as its bytes stand there. */
async function* eventsOf(log: Log): AsyncIterable<{ topic: string; key: Buffer; value: Buffer }> {
  for (const { name: topic } of await log.topics()) {
    const { low, high } = await log.watermarks(topic, 0);
    if (low === high) continue;
    const range = { topic, partition: 0, first: low, last: high - 1n };
    for await (const batch of log.read(range, { signal: AbortSignal.timeout(20_000), max_bytes: 1 << 20 })) {
      const cursor = new RecordCursor(batch);
      while (cursor.next()) {
        const { bytes, keyStart, keyLength, valueStart, valueLength } = cursor;
        yield {
          topic,
          key: Buffer.from(bytes.subarray(keyStart, keyStart + keyLength)),
          value: Buffer.from(bytes.subarray(valueStart, valueStart + valueLength)),
        };
      }
    }
  }
}

/** Decodes all of it with nothing but the registry's address, and encodes it again to the same bytes. */
async function readAll(log: Log, host: string): Promise<number> {
  const client = outsideClient(host);
  let read = 0;
  for await (const { topic, key, value } of eventsOf(log)) {
    const envelope = await client.decode(value);
    const [, , table] = topic.split('.');
    expect(envelope).toMatchObject({ before: null, op: 'c', source: { schema: 'public', table } });
    const id = (await client.decode(key)).id;
    expect(Object.values(envelope.after)[0]).toMatchObject({ id });
    expect((await client.encode(value.readUInt32BE(1), envelope)).equals(value), `${topic} ${id}`).toBe(true);
    read++;
  }
  return read;
}

describe.each(['lossless', 'debezium'] as const)('every type of the corpus under preset %s', (preset) => {
  it('is read from the log’s topics by an outside client through our registry', async () => {
    const path = tempFolder('millrace-registry');
    const log = await openLog(path);
    try {
      await using served = await serve({ registry: tableSchemaStore(log.table('schemas')) });
      const written = await fill(log, preset, tableSchemaStore(log.table('schemas')));
      expect(written).toBeGreaterThan(preset === 'lossless' ? 300 : 200);
      expect(await readAll(log, served.url)).toBe(written);
    } finally {
      await log.close();
      removeTempFolder(path);
    }
  });
});

it('every type is read through an external registry that capture has registered it in', async () => {
  const path = tempFolder('millrace-registry');
  const log = await openLog(path);
  try {
    await using external = await serve({ writable: true });
    const options = { url: external.url, patience_ms: 0, clock: systemClock, random: Math.random };
    const written = await fill(log, 'lossless', httpSchemaStore(options));
    expect(await readAll(log, external.url)).toBe(written);
    expect(await log.table('schemas').entries()).toEqual([]);
  } finally {
    await log.close();
    removeTempFolder(path);
  }
});
