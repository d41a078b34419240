import { formatPosition, type Position, samePosition } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { type ChainState, chainFromAnchor, judge, sameBytes, startOfChain } from './chain.js';
import type { Log } from './port.js';
import { decodeRecord } from './record-codec.js';
import type { Anchor, ProgressRecord } from './records.js';

/** A record that counts, with the chain's state after it. */
export interface CountingRecord {
  readonly offset: bigint;
  readonly record: ProgressRecord;
  readonly state: ChainState;
}

/** R4: only these two; never a guess from a suffix. `logId`: the log the anchor was made with, when the holder knows it. */
export type ChainStart =
  | { readonly kind: 'start' }
  | { readonly kind: 'anchor'; readonly anchor: Anchor; readonly logId?: Uint8Array };

/** Progress records are small; one read takes a few thousand of them. */
const read_bytes = 256 * 1024;

/**
 * Follows the progress partition from a start and hands on the records that count. One call at a time. Faults:
 * MR-3001, MR-3002, MR-3011, MR-3012 from the records; MR-3003, MR-3006, MR-3007 from `verify`. After a fault the reader stays
 * where it was: it never steps over the record that broke the chain.
 */
export class ChainReader {
  readonly #log: Log;
  readonly #start: ChainStart;
  #state: ChainState;
  #next: bigint;
  #verified = false;

  constructor(log: Log, start: ChainStart) {
    this.#log = log;
    this.#start = start;
    this.#state = start.kind === 'start' ? startOfChain(log.id) : chainFromAnchor(log.id, start.anchor);
    this.#next = this.#state.offset + 1n;
  }

  /** The chain's state after the last counting record read. */
  get state(): ChainState {
    return this.#state;
  }

  /** Everything below this offset has been judged, void records included. */
  get nextOffset(): bigint {
    return this.#next;
  }

  /**
   * Checks that the start is still in this log. From an anchor: its record is there and says the same (else MR-3006, or MR-3007
   * when the log ends before it), and nothing after it was trimmed (MR-3003). From the start: nothing was trimmed at all.
   * Reads do this by themselves the first time; call it again to check anew.
   */
  async verify(): Promise<void> {
    const { low, high } = await this.#log.progress.watermarks();
    if (this.#start.kind === 'start') {
      if (low > 0n && this.#next <= 0n) throw trimmed(0n, low);
    } else {
      await this.#verifyAnchor(this.#start, low, high);
    }
    this.#verified = true;
  }

  /**
   * Reads up to what was the head when called. Returns the counting records; with `onRecord` they are handed over one by
   * one instead and the result is empty, so that a long chain does not gather in memory.
   */
  async readToHead(onRecord?: (record: CountingRecord) => void): Promise<CountingRecord[]> {
    if (!this.#verified) await this.verify();
    const { high } = await this.#log.progress.watermarks();
    const found: CountingRecord[] = [];
    while (this.#next < high) {
      const before = this.#next;
      for await (const record of this.#chunk()) {
        if (onRecord) onRecord(record);
        else found.push(record);
      }
      if (this.#next === before) break;
    }
    return found;
  }

  /** Counting records from here on, waiting for more at the head, until `signal` aborts. Breaking off loses nothing. */
  async *next(signal: AbortSignal): AsyncGenerator<CountingRecord, void, void> {
    if (!this.#verified) await this.verify();
    while (!signal.aborted) {
      const before = this.#next;
      for await (const record of this.#chunk()) {
        yield record;
        if (signal.aborted) return;
      }
      if (this.#next === before) await this.#log.progress.wait(this.#next, signal);
    }
  }

  /** Judges one bounded read. The reader's place moves record by record, before each is handed over. */
  async *#chunk(): AsyncGenerator<CountingRecord, void, void> {
    const chunk = await this.#log.progress.read(this.#next, read_bytes);
    for (const { offset, bytes } of chunk.records) {
      const record = decodeRecord(bytes);
      const verdict = judge(this.#state, offset, record);
      this.#next = offset + 1n;
      if (verdict.verdict !== 'counts') continue;
      this.#state = verdict.state;
      yield { offset, record, state: verdict.state };
    }
    if (chunk.next > this.#next) this.#next = chunk.next;
  }

  async #verifyAnchor(
    start: Extract<ChainStart, { kind: 'anchor' }>,
    low: bigint,
    high: bigint,
  ): Promise<void> {
    const { anchor, logId } = start;
    if (logId && !sameBytes(logId, this.#log.id))
      throw new Fault('MR-3006', {
        detail: `the position was made with log ${hex(logId)}, this is log ${hex(this.#log.id)}`,
      });
    if (anchor.offset < 0n) {
      // An anchor before every record: a follower registered at the very start.
      if (low > 0n) throw trimmed(0n, low);
      return;
    }
    if (high <= anchor.offset)
      throw new Fault('MR-3007', {
        detail: `the log ends at progress offset ${high}, before the anchor at ${anchor.offset} (${formatPosition(anchor.position)})`,
        context: { high, anchor: anchor.offset },
      });
    if (low > anchor.offset + 1n) throw trimmed(anchor.offset + 1n, low);
    // Trimmed right up to the anchor: its record is gone but its successor is not, and must continue it (§3).
    if (low > anchor.offset) return;
    const { records } = await this.#log.progress.read(anchor.offset, 1);
    const found = records[0];
    const record = found?.offset === anchor.offset ? decodeRecord(found.bytes) : undefined;
    if (!record || !names(anchor, record, this.#log.id))
      throw new Fault('MR-3006', {
        detail: `progress offset ${anchor.offset} does not hold the record of the anchor (epoch ${anchor.epoch}, seq ${anchor.seq}, ${formatPosition(anchor.position)})`,
        context: { anchor: anchor.offset, epoch: anchor.epoch, seq: anchor.seq },
      });
  }
}

function names(anchor: Anchor, record: ProgressRecord, logId: Uint8Array): boolean {
  const position = positionAfter(record);
  return (
    sameBytes(record.logId, logId) &&
    record.epoch === anchor.epoch &&
    record.seq === anchor.seq &&
    sameBytes(record.nonce, anchor.nonce) &&
    (position === undefined || samePosition(position, anchor.position))
  );
}

/** Where the chain stands after the record, if the record itself says so: a claim does not. */
function positionAfter(record: ProgressRecord): Position | undefined {
  switch (record.kind) {
    case 'claim':
    case 'intent':
      return undefined;
    case 'progress':
      return record.to;
    default:
      return record.at;
  }
}

const trimmed = (wanted: bigint, low: bigint): Fault =>
  new Fault('MR-3003', {
    detail: `progress records from offset ${wanted} are needed, but the log begins at ${low}`,
    context: { wanted, low },
  });

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
