/**
 * The one header every row event carries (log-protocol §2), big endian:
 *
 *   0 version u8 = 1 · 1 flags u8 · 2 absent u16 · 4 epoch u32 · 8 commit u64 · 16 ordinal u64 · 24 bitmap[absent] · relation version u32
 *
 * `absent` is the byte length of the bitmap that follows the fixed part: one bit per column of the event's relation
 * version, least significant bit first, set when the column is unchanged TOAST. Appliers learn absence from it alone.
 * The trailing relation version (with the topic) names the `schema` record that describes the event's columns.
 */
export const eventHeaderVersion = 1;
export const eventHeaderFixed_bytes = 24;

export const eventFlags = {
  /** Null value for compaction by outside consumers; repeats its delete's ordinal and is not counted. */
  tombstone: 1,
  /** A row of the initial snapshot, read before streaming began. */
  initialChunk: 2,
  /** The delete of the old key of a key change; the next ordinal is its second half. */
  keyChangeFirst: 4,
  /** The insert of the new key of a key change. */
  keyChangeSecond: 8,
} as const;
