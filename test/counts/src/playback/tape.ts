import type { WalHandler } from '@millrace/postgres';
import type { Recording } from '../recording/recording.js';
import {
  commit_bytes,
  firstLsn_low,
  isBegin,
  isCommit,
  lsn_high,
  lsnLowOf,
  message_bytes,
  shift,
} from '../recording/stream-place.js';

/** What one read of a socket brings under load, bytes. */
export const read_bytes = 64 * 1024;
const relation = 'R'.charCodeAt(0);

/** One read: payloads one behind the other, as a socket delivers them. */
interface Read {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly starts: number[];
  readonly ends: number[];
  /** Low halves of the LSNs, moved on with every pass. */
  readonly lsns: number[];
  /** Begins and commits among `starts`, which carry LSNs of their own. */
  readonly placed: number[];
  /** Relation messages, by index: a server sends each once per session. */
  readonly relations: Set<number>;
}

/** A recording, cut into reads, to be played to a handler any number of times as one growing stream. */
export class Tape {
  readonly recording: Recording;
  readonly #reads: Read[] = [];
  readonly #span: number;
  #played = 0;

  constructor(recording: Recording, size_bytes: number = read_bytes) {
    this.recording = recording;
    this.#span = recording.payloads.length * message_bytes + commit_bytes;
    let parts: Uint8Array[] = [];
    let gathered = 0;
    let first = 0;
    recording.payloads.forEach((payload, i) => {
      parts.push(payload);
      gathered += payload.length;
      if (gathered < size_bytes && i + 1 < recording.payloads.length) return;
      this.#reads.push(cut(parts, first));
      first = i + 1;
      parts = [];
      gathered = 0;
    });
  }

  /** Where a stream of it begins. */
  get start(): bigint {
    return (BigInt(lsn_high) << 32n) | BigInt(firstLsn_low);
  }

  /** End of the last commit of the first `passes` passes. */
  end(passes: number): bigint {
    const last =
      firstLsn_low + (passes - 1) * this.#span + (this.recording.payloads.length - 1) * message_bytes;
    return (BigInt(lsn_high) << 32n) | BigInt(last + commit_bytes);
  }

  /** Moves every position behind those of the pass before. Call it before each `play`. */
  wind(): void {
    if (this.#played++ === 0) return;
    for (const { view, placed, lsns } of this.#reads) {
      for (const start of placed) shift(view, start, this.#span);
      for (let i = 0; i < lsns.length; i++) lsns[i] = (lsns[i] as number) + this.#span;
    }
  }

  /** Plays it once, as a connection does: payloads of a read, then the question for room, then the next turn of the loop. */
  async play(handler: WalHandler): Promise<void> {
    const isFirst = this.#played === 1;
    for (const { bytes, starts, ends, lsns, relations } of this.#reads) {
      for (let i = 0; i < starts.length; i++) {
        if (!isFirst && relations.has(i)) continue;
        const wait = handler.payload(
          bytes,
          starts[i] as number,
          ends[i] as number,
          lsn_high,
          lsns[i] as number,
        );
        if (wait) await wait;
      }
      const room = handler.room();
      if (room) await room;
      await turn();
    }
  }
}

/** The next turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function cut(parts: readonly Uint8Array[], first: number): Read {
  const bytes = Buffer.concat(parts);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Read = { bytes, view, starts: [], ends: [], lsns: [], placed: [], relations: new Set() };
  let at = 0;
  parts.forEach((part, i) => {
    read.starts.push(at);
    if (isBegin(part) || isCommit(part)) read.placed.push(at);
    if (part[0] === relation) read.relations.add(i);
    at += part.length;
    read.ends.push(at);
    read.lsns.push(lsnLowOf(first + i));
  });
  return read;
}
