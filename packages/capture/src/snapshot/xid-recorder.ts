import type { Visibility } from '../source.js';
import type { StreamedXids } from './visibility.js';
import { fullXid } from './visibility.js';

/**
 * Remembers which transactions the stream delivered, while snapshots are read (R36). Ids that every later snapshot must see are
 * forgotten at each chunk.
 */
export class XidRecorder {
  readonly #limit: number;
  #recording = false;
  #recordedFrom: number | undefined;
  #before = new Set<number>();
  #window: Set<number> | undefined;
  #overflowed = false;

  /** `limit`: ids held at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Before a window is requested: from now on every transaction is remembered. */
  start(): void {
    this.#recording = true;
  }

  /** No snapshot needs it any more. */
  stop(): void {
    this.#recording = false;
    this.#forget();
  }

  /** A transaction was delivered. */
  committed(xid: number): void {
    if (!this.#recording) return;
    (this.#window ?? this.#before).add(xid);
    if (this.#before.size + (this.#window?.size ?? 0) > this.#limit) {
      this.#forget();
      this.#overflowed = true;
    }
  }

  /** LOW was delivered, in transaction `xid`. */
  low(xid: number): void {
    this.#recordedFrom ??= xid;
    this.#window = new Set();
  }

  /** HIGH was delivered: what is known as of now. Transactions from here on belong to the next window's past. */
  high(): StreamedXids {
    const window = this.#window ?? new Set<number>();
    const known: StreamedXids = {
      beforeLow: this.#before,
      inWindow: window,
      recordedFrom: this.#recordedFrom ?? 0,
      overflowed: this.#overflowed || this.#recordedFrom === undefined,
    };
    this.#before = new Set([...this.#before, ...window]);
    this.#window = undefined;
    this.#overflowed = false;
    return known;
  }

  /** Every snapshot from now on sees what is older than `xmin`. */
  seen({ xmin, xmax }: Visibility): void {
    for (const xid of this.#before) if (fullXid(xid, xmax) < xmin) this.#before.delete(xid);
  }

  /** What is forgotten counts as streamed before the recording: the next LOW begins it anew. */
  #forget(): void {
    this.#before = new Set();
    this.#window = undefined;
    this.#recordedFrom = undefined;
    this.#overflowed = false;
  }
}
