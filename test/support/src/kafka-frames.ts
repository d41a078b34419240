/** Length of a message's length field. */
const length_bytes = 4;
/** Kafka's own default for `socket.request.max.bytes`; what claims more is not Kafka's protocol. */
const frame_bytes_max = 104_857_600;

/** Which request it is (`kafka.apache.org/protocol`, "Api Keys"). */
export const apiKeys = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  initProducerId: 22,
  endTxn: 26,
  createTopics: 19,
  deleteRecords: 21,
} as const;

export type ApiName = keyof typeof apiKeys;

/** Puts the chunks of a stream together to length-prefixed messages; each call returns those that are whole now. */
export class FrameAssembler {
  #pending: Buffer = Buffer.alloc(0);

  /** Messages with their length field. Throws RangeError when the stream is not framed so. */
  take(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    let at = 0;
    while (this.#pending.length - at >= length_bytes) {
      const length = this.#pending.readInt32BE(at);
      if (length < 0 || length > frame_bytes_max)
        throw new RangeError(`a message of ${length} bytes: that is not Kafka’s protocol (TLS?)`);
      const end = at + length_bytes + length;
      if (end > this.#pending.length) break;
      frames.push(this.#pending.subarray(at, end));
      at = end;
    }
    this.#pending = this.#pending.subarray(at);
    return frames;
  }
}

/** The beginning of every request: INT16 key, INT16 version, INT32 correlation id. */
export function requestHead(frame: Buffer): { readonly apiKey: number; readonly correlationId: number } {
  return { apiKey: frame.readInt16BE(length_bytes), correlationId: frame.readInt32BE(length_bytes + 4) };
}

/** A response begins with the correlation id of its request. */
export function responseCorrelationId(frame: Buffer): number {
  return frame.readInt32BE(length_bytes);
}
