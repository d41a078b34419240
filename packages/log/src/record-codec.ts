import { lsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { ByteReader } from './byte-reader.js';
import {
  id_bytes,
  readChunk,
  readLayoutTopic,
  readPosition,
  readRange,
  readShape,
  readSnapshot,
  writeChunk,
  writeLayoutTopic,
  writePosition,
  writeRange,
  writeShape,
  writeSnapshot,
} from './record-parts.js';
import { RecordWriter } from './record-writer.js';
import type {
  BatchRecord,
  ClaimRecord,
  IntentRecord,
  LayoutRecord,
  OpenRecord,
  ProgressRecord,
  RecordHead,
  SchemaRecord,
} from './records.js';
import { readSchemaChange, writeSchemaChange } from './relation-codec.js';

/**
 * Progress records as bytes, big endian (log-protocol §2). Every record begins with its head:
 *
 *   0 version u8 = 1 · 1 kind u8 · 2 logId 16 · 18 epoch u32 · 22 nonce 16 · 38 seq u64 · 46 body
 *
 * Text is UTF-8 behind a u32 length, lists stand behind a u32 count, optional values behind a flag byte.
 * Nothing may follow the body: another layout is another version, which a reader refuses (§3: unknown version or kind, stop).
 */
export const recordVersion = 1;

/** Kind on the wire = index + 1. Append only. */
const kinds = ['claim', 'open', 'schema', 'layout', 'progress', 'intent'] as const;

/** The record's bytes, freshly allocated. */
export function encodeRecord(record: ProgressRecord): Uint8Array {
  const out = new RecordWriter(256);
  out.u8(recordVersion);
  out.u8(kinds.indexOf(record.kind) + 1);
  out.fixed(record.logId, id_bytes);
  out.count(record.epoch);
  out.fixed(record.nonce, id_bytes);
  out.u64(record.seq);
  writeBody(out, record);
  return out.copy();
}

/** Throws MR-3011 for an unknown version or kind, MR-3012 with its offset for anything that is not such a record. */
export function decodeRecord(bytes: Uint8Array): ProgressRecord {
  const from = new ByteReader(bytes, 'progress record');
  const version = from.u8();
  if (version !== recordVersion) throw unknown(`version ${version} (this Millrace reads ${recordVersion})`);
  const code = from.u8();
  const kind = kinds[code - 1];
  if (kind === undefined) throw unknown(`kind ${code}`);
  const head: RecordHead = {
    logId: from.bytes(id_bytes),
    epoch: from.u32(),
    nonce: from.bytes(id_bytes),
    seq: from.u64(),
  };
  const record = readBody(from, kind, head);
  from.end();
  return record;
}

const unknown = (what: string): Fault => new Fault('MR-3011', { detail: `progress record of ${what}` });

function writeBody(out: RecordWriter, record: ProgressRecord): void {
  switch (record.kind) {
    case 'claim':
      out.text(record.host);
      out.count(record.pid);
      out.text(record.version);
      return;
    case 'open':
      writeOpen(out, record);
      return;
    case 'schema':
      writePosition(out, record.at);
      writeShape(out, record.shape);
      out.list(record.changes, (change) => writeSchemaChange(out, change));
      out.flag(record.repair);
      return;
    case 'layout':
      writePosition(out, record.at);
      out.list(record.topics, (topic) => writeLayoutTopic(out, topic));
      return;
    case 'progress':
      writeBatch(out, record);
      return;
    case 'intent':
      out.u64(record.number);
      writeBatch(out, record.batch);
  }
}

function readBody(from: ByteReader, kind: ProgressRecord['kind'], head: RecordHead): ProgressRecord {
  switch (kind) {
    case 'claim':
      return {
        ...head,
        kind,
        host: from.text(),
        pid: from.u32(),
        version: from.text(),
      } satisfies ClaimRecord;
    case 'open':
      return readOpen(from, head);
    case 'schema':
      return {
        ...head,
        kind,
        at: readPosition(from),
        shape: readShape(from),
        changes: from.list(() => readSchemaChange(from)),
        repair: from.flag(),
      } satisfies SchemaRecord;
    case 'layout':
      return {
        ...head,
        kind,
        at: readPosition(from),
        topics: from.list(() => readLayoutTopic(from)),
      } satisfies LayoutRecord;
    case 'progress':
      return { ...head, kind, ...readBatch(from) };
    case 'intent':
      return { ...head, kind, number: from.u64(), batch: readBatch(from) } satisfies IntentRecord;
  }
}

function writeOpen(out: RecordWriter, record: OpenRecord): void {
  writePosition(out, record.at);
  out.u64(record.systemId);
  out.count(record.timeline);
  out.list(record.ancestry, (entry) => {
    out.count(entry.timeline);
    out.u64(entry.switchLsn);
  });
  out.optional(record.fork, (fork) => {
    out.u64(fork.forkAt);
    out.optional(fork.retracted, (retracted) => {
      out.u64(retracted.from);
      out.u64(retracted.to);
    });
  });
  out.list(record.layout, (topic) => writeLayoutTopic(out, topic));
  out.list(record.snapshots, (snapshot) => writeSnapshot(out, snapshot));
  out.list(record.relations, (shape) => writeShape(out, shape));
}

function readOpen(from: ByteReader, head: RecordHead): OpenRecord {
  const start = {
    at: readPosition(from),
    systemId: from.u64(),
    timeline: from.u32(),
    ancestry: from.list(() => ({ timeline: from.u32(), switchLsn: lsn(from.u64()) })),
  };
  const fork = from.optional(() => {
    const forkAt = lsn(from.u64());
    const retracted = from.optional(() => ({ from: lsn(from.u64()), to: lsn(from.u64()) }));
    return { forkAt, ...(retracted && { retracted }) };
  });
  return {
    ...head,
    kind: 'open',
    ...start,
    ...(fork && { fork }),
    layout: from.list(() => readLayoutTopic(from)),
    snapshots: from.list(() => readSnapshot(from)),
    relations: from.list(() => readShape(from)),
  };
}

type Batch = IntentRecord['batch'];

function writeBatch(out: RecordWriter, batch: Batch): void {
  writePosition(out, batch.from);
  writePosition(out, batch.to);
  out.count(batch.eventsEpoch);
  out.i64(batch.firstCommit_us);
  out.i64(batch.lastCommit_us);
  out.count(batch.transactions);
  out.u64(batch.events);
  out.list(batch.ranges, (range) => writeRange(out, range));
  out.flag(batch.barrier);
  out.flag(batch.snapshotDone);
  out.optional(batch.chunk, (chunk) => writeChunk(out, chunk));
}

function readBatch(from: ByteReader): Batch {
  const fixed = {
    from: readPosition(from),
    to: readPosition(from),
    eventsEpoch: from.u32(),
    firstCommit_us: from.i64(),
    lastCommit_us: from.i64(),
    transactions: from.u32(),
    events: from.u64(),
    ranges: from.list(() => readRange(from)),
    barrier: from.flag(),
    snapshotDone: from.flag(),
  } satisfies Omit<BatchRecord, keyof RecordHead | 'kind'>;
  const chunk = from.optional(() => readChunk(from));
  return { ...fixed, ...(chunk && { chunk }) };
}
