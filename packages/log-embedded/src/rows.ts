import { crc32 } from 'node:zlib';
import { Fault } from '@millrace/runtime';

/**
 * Keys and fixed rows of the LMDB databases, big endian so that bytes order as numbers do:
 *
 *   events      topic id u32 · partition u32 · first offset u64 · count u32 · created u48 (ms) · bytes u32 · crc u32 → packed records
 *   partitions  topic id u32 · partition u32 → low u64 · next u64 · covered u64 · bytes f64
 *   progress    offset u64 → created f64 (ms) · event bytes f64 · crc u32 · kept u16 · (topic id u32, partition u32, offset u64)* · record
 *   meta        text → see store.ts
 *   tables      table name · 0 · key → value
 */
const chunkKey_bytes = 34;
const partitionKey_bytes = 8;

export interface ChunkKey {
  readonly topic: number;
  readonly partition: number;
  readonly first: bigint;
  readonly count: number;
  readonly created_ms: number;
  /** Length of the value, so that removing it need not read it. */
  readonly bytes: number;
  readonly crc: number;
}

export function chunkKey(key: ChunkKey): Buffer {
  const bytes = Buffer.allocUnsafe(chunkKey_bytes);
  let at = bytes.writeUInt32BE(key.topic, 0);
  at = bytes.writeUInt32BE(key.partition, at);
  at = bytes.writeBigUInt64BE(key.first, at);
  at = bytes.writeUInt32BE(key.count, at);
  at = bytes.writeUIntBE(Math.max(0, Math.floor(key.created_ms)), at, 6);
  at = bytes.writeUInt32BE(key.bytes, at);
  bytes.writeUInt32BE(key.crc >>> 0, at);
  return bytes;
}

export function parseChunkKey(bytes: Buffer): ChunkKey {
  return {
    topic: bytes.readUInt32BE(0),
    partition: bytes.readUInt32BE(4),
    first: bytes.readBigUInt64BE(8),
    count: bytes.readUInt32BE(16),
    created_ms: bytes.readUIntBE(20, 6),
    bytes: bytes.readUInt32BE(26),
    crc: bytes.readUInt32BE(30),
  };
}

/** Sorts before every chunk that begins at or after `offset`. */
export function chunkBound(topic: number, partition: number, offset: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(partitionKey_bytes + 8);
  bytes.writeUInt32BE(topic, 0);
  bytes.writeUInt32BE(partition, 4);
  bytes.writeBigUInt64BE(offset, partitionKey_bytes);
  return bytes;
}

export function partitionKey(topic: number, partition: number): Buffer {
  const bytes = Buffer.allocUnsafe(partitionKey_bytes);
  bytes.writeUInt32BE(topic, 0);
  bytes.writeUInt32BE(partition, 4);
  return bytes;
}

export interface PartitionRow {
  low: bigint;
  next: bigint;
  /** Offsets below are named by records, or gone; at a claim what lies above belongs to no record. */
  covered: bigint;
  bytes: number;
}

export const emptyPartition: PartitionRow = { low: 0n, next: 0n, covered: 0n, bytes: 0 };

export function encodePartition(row: PartitionRow): Buffer {
  const bytes = Buffer.allocUnsafe(32);
  bytes.writeBigUInt64BE(row.low, 0);
  bytes.writeBigUInt64BE(row.next, 8);
  bytes.writeBigUInt64BE(row.covered, 16);
  bytes.writeDoubleBE(row.bytes, 24);
  return bytes;
}

export function decodePartition(bytes: Buffer): PartitionRow {
  return {
    low: bytes.readBigUInt64BE(0),
    next: bytes.readBigUInt64BE(8),
    covered: bytes.readBigUInt64BE(16),
    bytes: bytes.readDoubleBE(24),
  };
}

/** Where a part of a partition begins that belongs to a record still to come. */
export interface OpenPart {
  readonly topic: number;
  readonly partition: number;
  readonly first: bigint;
}

export interface ProgressRow {
  readonly created_ms: number;
  /** Bytes of the events that were appended with or ahead of this record, since the one before. */
  readonly event_bytes: number;
  /** Parts appended before this record that a later one names: retention keeps them when this record goes. */
  readonly open: readonly OpenPart[];
  readonly record: Buffer;
}

const openPart_bytes = 16;
const progressHead_bytes = 22;

export function offsetKey(offset: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(offset, 0);
  return bytes;
}

export function encodeProgress(row: Omit<ProgressRow, 'record'>, record: Uint8Array): Buffer {
  const head = progressHead_bytes + row.open.length * openPart_bytes;
  const bytes = Buffer.allocUnsafe(head + record.length);
  bytes.writeDoubleBE(row.created_ms, 0);
  bytes.writeDoubleBE(row.event_bytes, 8);
  bytes.writeUInt32BE(crc32(record), 16);
  let at = bytes.writeUInt16BE(row.open.length, 20);
  for (const part of row.open) {
    at = bytes.writeUInt32BE(part.topic, at);
    at = bytes.writeUInt32BE(part.partition, at);
    at = bytes.writeBigUInt64BE(part.first, at);
  }
  bytes.set(record, head);
  return bytes;
}

export function decodeProgress(bytes: Buffer, offset: bigint): ProgressRow {
  const count = bytes.readUInt16BE(20);
  const head = progressHead_bytes + count * openPart_bytes;
  const record = bytes.subarray(head);
  if (crc32(record) !== bytes.readUInt32BE(16))
    throw new Fault('MR-3012', {
      detail: `the progress record at offset ${offset} does not match its checksum`,
    });
  const open: OpenPart[] = [];
  for (let at = progressHead_bytes; at < head; at += openPart_bytes)
    open.push({
      topic: bytes.readUInt32BE(at),
      partition: bytes.readUInt32BE(at + 4),
      first: bytes.readBigUInt64BE(at + 8),
    });
  return { created_ms: bytes.readDoubleBE(0), event_bytes: bytes.readDoubleBE(8), open, record };
}

export const tableKey = (table: string, key: string): Buffer => Buffer.from(`${table}\0${key}`, 'utf8');
