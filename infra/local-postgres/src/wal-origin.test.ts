import { expect, it } from 'vitest';
import { crc32c } from './crc32c.js';
import { controlCrcOffset, firstSegment, walFileName } from './wal-origin.js';

const segment_bytes = 16 * 1024 * 1024;

it('CRC-32C agrees with the published check values', () => {
  // RFC 3720, B.4; and the catalogue's check value of "123456789".
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from('1234'), Buffer.from('56789'))).toBe(0xe3069283);
});

it('WAL files are named as the server names them', () => {
  expect(walFileName(0x0100_0028n, segment_bytes)).toBe('000000010000000000000001');
  expect(walFileName(0x20_0001_0100_0000n, segment_bytes)).toBe('000000010020000100000001');
  expect(walFileName(0xffff_fff0_ff00_0000n, segment_bytes)).toBe('00000001FFFFFFF0000000FF');
});

it('finds the checksum of a control file wherever the version puts it, and refuses a damaged file', () => {
  const control = Buffer.alloc(8192);
  for (let at = 0; at < 292; at++) control[at] = (at * 31) & 0xff;
  control.writeUInt32LE(crc32c(control.subarray(0, 292)), 292);
  expect(controlCrcOffset(control)).toBe(292);
  control[100] = (control[100] ?? 0) ^ 1;
  expect(() => controlCrcOffset(control)).toThrow(/MR-7002.*checksum/);
});

/** A segment whose checkpoint record starts at `offset`, written across page headers as the server does. */
function segmentWith(record: Buffer, offset: number): Buffer {
  const segment = Buffer.alloc(32_768, 0xee);
  let at = offset;
  for (const byte of record) {
    if (at % 8192 === 0) at += 24;
    segment[at++] = byte;
  }
  return segment;
}

function checkpointRecord(): Buffer {
  const record = Buffer.alloc(24 + 2 + 88, 7);
  record.writeUInt32LE(record.length, 0);
  record[24] = 255;
  record[25] = 88;
  record.writeUInt32LE(crc32c(record.subarray(24), record.subarray(0, 20)), 20);
  return record;
}

it.each([100, 8192 - 16, 8192 - 30])(
  'moves a checkpoint record at offset %i, also across a page',
  (offset) => {
    const start = 0xffff_fff0_0100_0000n;
    const { segment, checkPoint } = firstSegment(segmentWith(checkpointRecord(), offset), offset, start);
    expect(segment.readBigUInt64LE(8)).toBe(start);
    expect(checkPoint).toHaveLength(88);
    expect(checkPoint.readBigUInt64LE(0)).toBe(start + 40n);
    const moved = segment.subarray(40, 40 + 114);
    expect(moved.readUInt32LE(20)).toBe(crc32c(moved.subarray(24), moved.subarray(0, 20)));
  },
);

it('refuses a record that is not what the control file points at', () => {
  const segment = segmentWith(checkpointRecord(), 100);
  segment[150] = 0;
  expect(() => firstSegment(segment, 100, 0x0100_0000n)).toThrow(/MR-7002/);
});
