/**
 * Kafka's standard partitioner, so that outside consumers and producers agree on where a key lives: murmur2 of the key bytes,
 * made positive, modulo the layout's partition count (R17). `end` exclusive.
 */
export function partitionOf(bytes: Uint8Array, start: number, end: number, partitions: number): number {
  if (partitions === 1) return 0;
  return (murmur2(bytes, start, end) & 0x7fff_ffff) % partitions;
}

const seed = 0x9747b28c;
const m = 0x5bd1e995;

/** MurmurHash2 as org.apache.kafka.common.utils.Utils.murmur2 has it; signed 32 bits. */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let h = seed ^ length;
  const whole = start + (length & ~3);
  for (let i = start; i < whole; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length & 3;
  if (rest === 3) h ^= (bytes[whole + 2] as number) << 16;
  if (rest >= 2) h ^= (bytes[whole + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (bytes[whole] as number), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
