import {
  type Fence,
  type ProgressChunk,
  type ProgressPartition,
  sameBytes,
  type Watermarks,
} from '@millrace/log';
import { type Clock, Fault } from '@millrace/runtime';
import { decodeIfRecord, noteRecord, putRecord } from './append.js';
import { collectOrphans } from './collector.js';
import { decodeProgress, offsetKey } from './rows.js';
import type { Sections } from './sections.js';
import type { ProgressMarks } from './store.js';
import type { Wake } from './wake.js';

/** The one partition of progress records, and the claims in it. */
export class EmbeddedProgress implements ProgressPartition {
  readonly #sections: Sections;
  readonly #wake: Wake;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  /** The end as this handle saw it last. */
  #highest = 0n;

  constructor(sections: Sections, wake: Wake, clock: Clock, closing: AbortSignal) {
    this.#sections = sections;
    this.#wake = wake;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** A claim takes the lock over from a paused process (§12) and is refused, not written, when it is not the next epoch. */
  async appendClaim(bytes: Uint8Array, fence: Fence): Promise<bigint> {
    const offset = await this.#sections.write(0, () => this.#claim(bytes, fence), true);
    this.#wake.notify();
    await collectOrphans(this.#sections);
    return offset;
  }

  #claim(bytes: Uint8Array, fence: Fence): bigint {
    const { store } = this.#sections;
    const held = store.fence();
    // The same claim once more, after a doubt: its record is there.
    if (held && held.epoch === fence.epoch && sameBytes(held.nonce, fence.nonce)) return held.offset;
    if (fence.epoch !== (held?.epoch ?? 0) + 1)
      throw new Fault('MR-2009', {
        detail: `epoch ${fence.epoch} cannot follow epoch ${held?.epoch ?? 0}: another capture claimed`,
        context: { epoch: fence.epoch, current: held?.epoch ?? 0 },
      });
    const created_ms = this.#clock.now();
    const offset = putRecord(store, bytes, { created_ms, event_bytes: 0, open: [] });
    store.putFence({ epoch: fence.epoch, nonce: fence.nonce, offset });
    const record = decodeIfRecord(bytes);
    if (record) noteRecord(store, record);
    return offset;
  }

  /** Never before what this handle saw, unless the log went back: a commit that LMDB was made to forget is found by the next transaction. */
  async watermarks(): Promise<Watermarks> {
    const { store, writing } = this.#sections;
    const marks = this.#sections.read(() => marksOf(store.marks()));
    if (marks.high >= this.#highest) {
      this.#highest = marks.high;
      return marks;
    }
    if (writing) await this.#sections.write(0, () => undefined);
    return this.#sections.read(() => marksOf(store.marks()));
  }

  async read(from: bigint, max_bytes: number): Promise<ProgressChunk> {
    return this.#sections.read(() => this.#readChunk(from, max_bytes));
  }

  #readChunk(from: bigint, max_bytes: number): ProgressChunk {
    const { store } = this.#sections;
    const { low, next: high } = store.marks();
    if (from < low)
      throw new Fault('MR-3003', {
        detail: `the progress partition begins at offset ${low}, offset ${from} is needed`,
        context: { low, offset: from },
      });
    const records: { offset: bigint; bytes: Uint8Array }[] = [];
    let bytes = 0;
    let next = from > high ? from : high;
    for (const { key, value } of store.progress.getRange({ start: offsetKey(from) })) {
      const offset = key.readBigUInt64BE(0);
      const { record } = decodeProgress(value, offset);
      bytes += record.length;
      if (records.length > 0 && bytes > max_bytes) {
        next = offset;
        break;
      }
      records.push({ offset, bytes: record });
    }
    return { records, next };
  }

  async wait(offset: bigint, signal: AbortSignal): Promise<void> {
    this.#sections.guard();
    for (;;) {
      if (signal.aborted || this.#closing.aborted) return;
      const seen = this.#wake.version;
      if (this.#sections.read(() => this.#sections.store.marks().next) > offset) return;
      await this.#wake.after(seen, signal);
    }
  }
}

/** The watermarks of the progress partition. */
export const marksOf = (marks: ProgressMarks): Watermarks => ({ low: marks.low, high: marks.next });
