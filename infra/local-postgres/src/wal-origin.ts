import { chown, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';
import { crc32c } from './crc32c.js';

/**
 * Moves a cleanly shut down cluster's WAL to start at a chosen LSN, as `pg_resetwal -l` does (the npm packages do
 * not carry that program). Layouts: `access/xlog_internal.h`, `access/xlogrecord.h`, `catalog/pg_control.h`; the
 * fields used stand at the same offsets from PostgreSQL 14 to 18, sizes are read from the cluster itself.
 */

const control_bytes_max = 512;
const control = { state: 16, checkPoint: 32, checkPointCopy: 40 } as const;
const stateShutDown = 1; // DB_SHUTDOWNED
const wal_page_bytes = 8192;
const long_header_bytes = 40;
const short_header_bytes = 24;
const longHeader = { info: 2, pageAddress: 8, remaining: 16, segmentSize: 32 } as const;
const infoLongHeader = 0x0002; // XLP_LONG_HEADER
const record_header_bytes = 24;
const record = { total: 0, previous: 8, crc: 20 } as const;
/** After the header: block id 255 (main data, short), one length byte. */
const data_prefix_bytes = 2;

/** Where the control file keeps its checksum: the only offset whose 32 bits are the CRC of all bytes before it. */
export function controlCrcOffset(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = control.checkPointCopy; offset < control_bytes_max; offset += 4) {
    if (view.readUInt32LE(offset) !== 0 && crc32c(view.subarray(0, offset)) === view.readUInt32LE(offset))
      return offset;
  }
  throw new Fault('MR-7002', { detail: 'the control file carries no valid checksum' });
}

/** Name of the WAL file that holds `lsn` on timeline 1. */
export function walFileName(lsn: bigint, segment_bytes: number): string {
  const segment = lsn / BigInt(segment_bytes);
  const perId = 0x1_0000_0000n / BigInt(segment_bytes);
  return [1n, segment / perId, segment % perId]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** `length` bytes of record at `offset` of a segment, without the page headers they may straddle. */
function recordBytes(segment: Buffer, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let at = offset;
  for (let filled = 0; filled < length; ) {
    if (at % wal_page_bytes === 0) at += at === 0 ? long_header_bytes : short_header_bytes;
    const part = Math.min(length - filled, wal_page_bytes - (at % wal_page_bytes));
    segment.copy(bytes, filled, at, at + part);
    filled += part;
    at += part;
  }
  return bytes;
}

/** The first segment of the moved WAL: a page header and the shutdown checkpoint, its redo pointing at itself. */
export function firstSegment(
  old: Buffer,
  checkpoint_offset: number,
  start: bigint,
): { segment: Buffer; checkPoint: Buffer } {
  const total = recordBytes(old, checkpoint_offset, 4).readUInt32LE(0);
  const moved = recordBytes(old, checkpoint_offset, total);
  if (
    crc32c(moved.subarray(record_header_bytes), moved.subarray(0, record.crc)) !==
    moved.readUInt32LE(record.crc)
  ) {
    throw new Fault('MR-7002', { detail: 'the last checkpoint record is not where the control file says' });
  }
  const checkPoint = moved.subarray(record_header_bytes + data_prefix_bytes);
  checkPoint.writeBigUInt64LE(start + BigInt(long_header_bytes), 0); // redo
  moved.writeBigUInt64LE(0n, record.previous);
  moved.writeUInt32LE(crc32c(moved.subarray(record_header_bytes), moved.subarray(0, record.crc)), record.crc);

  const segment = Buffer.alloc(old.length);
  old.copy(segment, 0, 0, long_header_bytes);
  segment.writeUInt16LE(infoLongHeader, longHeader.info);
  segment.writeBigUInt64LE(start, longHeader.pageAddress);
  segment.writeUInt32LE(0, longHeader.remaining);
  moved.copy(segment, long_header_bytes);
  return { segment, checkPoint };
}

/**
 * Makes the cluster in `dataDir` (cleanly shut down, timeline 1) continue at `start`, an LSN at the beginning of a
 * WAL segment. Throws MR-7002 when the cluster is running or its files are not what this knows.
 */
export async function moveWal(dataDir: string, start: bigint): Promise<void> {
  const controlPath = join(dataDir, 'global', 'pg_control');
  const walFolder = join(dataDir, 'pg_wal');
  const bytes = await readFile(controlPath);
  const crcOffset = controlCrcOffset(bytes);
  if (bytes.readUInt32LE(control.state) !== stateShutDown) {
    throw new Fault('MR-7002', { detail: `the cluster in ${dataDir} was not shut down cleanly` });
  }
  const files = (await readdir(walFolder)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const segment_bytes = (await readFile(join(walFolder, files[0] ?? ''))).readUInt32LE(
    longHeader.segmentSize,
  );
  if (start % BigInt(segment_bytes) !== 0n) {
    throw new Fault('MR-7002', {
      detail: `${start} is not a multiple of the WAL segment size ${segment_bytes}`,
    });
  }
  const old = bytes.readBigUInt64LE(control.checkPoint);
  const oldSegment = await readFile(join(walFolder, walFileName(old, segment_bytes)));
  const { segment, checkPoint } = firstSegment(oldSegment, Number(old % BigInt(segment_bytes)), start);

  bytes.writeBigUInt64LE(start + BigInt(long_header_bytes), control.checkPoint);
  checkPoint.copy(bytes, control.checkPointCopy);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcOffset)), crcOffset);
  for (const name of files) await rm(join(walFolder, name));
  const owner = await stat(controlPath);
  const moved = join(walFolder, walFileName(start, segment_bytes));
  await writeFile(moved, segment, { mode: 0o600 });
  await chown(moved, owner.uid, owner.gid);
  await writeFile(controlPath, bytes);
}
