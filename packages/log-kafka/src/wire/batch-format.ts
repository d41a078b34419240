/**
 * A record batch of Kafka's message format 2 (https://kafka.apache.org/documentation/#recordbatch), big endian:
 *
 *   0 baseOffset i64 · 8 batchLength i32 · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32 (CRC-32C of all from 21 on)
 *   · 21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 · 43 producerId i64
 *   · 51 producerEpoch i16 · 53 baseSequence i32 · 57 records i32 · 61 records
 *
 * A record: length varint · attributes i8 · timestampDelta varlong · offsetDelta varint · key (length varint, −1 none)
 *   · value (the same) · headers varint × (name length varint, name, value length varint, value). Varints are zigzag.
 */
export const batchHeader_bytes = 61;
/** Bytes before the counted length: baseOffset and batchLength. */
export const batchFrame_bytes = 12;
export const currentMagic = 2;

export const at = {
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;

export const attributeBits = {
  compression: 0x07,
  control: 0x20,
} as const;

/** The header that makes a Kafka record one of ours: an event's header bytes, or one byte of version in our own small topics. */
export const millraceHeader = 'millrace';
export const millraceHeaderBytes: Buffer = Buffer.from(millraceHeader, 'latin1');

/** Bytes that `value` takes as a zigzag varint; `value` within 32 bits. */
export function varint_bytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a zigzag varint and returns the position behind it. There must be room for five bytes. */
export function putVarint(out: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at] = rest;
  return at + 1;
}
