/**
 * Buffer's own slice functions, which `toString(encoding, start, end)` ends in after dispatching: half the cost of a short
 * string. Present in every Node.js version, missing in its type declarations.
 */
export type SliceBuffer = Buffer & {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
};

/** A view of `bytes` as a Buffer; the same object when it is one. */
export function asSliceBuffer(bytes: Uint8Array): SliceBuffer {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer as SliceBuffer;
}
