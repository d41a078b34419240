import {
  anchorOf,
  type ChainReader,
  type CountingRecord,
  type FollowerReports,
  sameBytes,
} from '@millrace/log';
import { comparePositions, formatPosition, type Position } from '@millrace/model';
import { assert, Fault, toFault } from '@millrace/runtime';
import type { WriterIdentity } from './chain-writer.js';

export interface ReadBackOptions {
  /** Stands at the own claim. */
  readonly reader: ChainReader;
  readonly identity: WriterIdentity;
  readonly reports: FollowerReports;
  readonly position: Position;
  /** A record of ours was read back and counts; `position` is where the chain stands after it. */
  readonly onCounts: (position: Position) => void;
}

/**
 * Reads back what the epoch writes (R8): an acknowledgement is not enough, because a successor may have claimed before the record
 * landed; then it is void, and confirming it would lose the commits. May lag behind publishing.
 */
export class ReadBack {
  readonly #options: ReadBackOptions;
  #position: Position;
  /** Greatest acknowledged offset that is to be read, and the number of the record there. */
  #wanted = -1n;
  #wantedSeq = 0n;
  #running = false;
  #fail: (error: unknown) => void = () => {};
  #waiters: { readonly offset: bigint; readonly wake: () => void }[] = [];
  /** Never resolves; rejects with MR-2009 when a record of ours does not count, or with the fault of reading. */
  readonly failed: Promise<never>;

  constructor(options: ReadBackOptions) {
    this.#options = options;
    this.#position = options.position;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** Where the chain stands after the newest own record that counts. */
  get position(): Position {
    return this.#position;
  }

  /** Tells of an acknowledged record. */
  acknowledged(offset: bigint, seq: bigint): void {
    if (offset > this.#wanted) {
      this.#wanted = offset;
      this.#wantedSeq = seq;
    }
    if (!this.#running) void this.#run();
  }

  /** Resolves when everything acknowledged so far was read back and counts. */
  settled(): Promise<void> {
    const offset = this.#wanted;
    if (this.#options.reader.nextOffset > offset) return Promise.resolve();
    const done = new Promise<void>((wake) => this.#waiters.push({ offset, wake }));
    return Promise.race([done, this.failed]);
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { reader } = this.#options;
    try {
      while (reader.nextOffset <= this.#wanted) {
        const checkpoints: CountingRecord[] = [];
        const before = reader.nextOffset;
        await reader.readToHead((counting) => {
          this.#judge(counting);
          if (counting.record.kind === 'open') checkpoints.push(counting);
        });
        this.#mustCount();
        // §10: an anchor names a checkpoint that was read back. A late one is only older, hence harmless.
        const newest = checkpoints.at(-1);
        if (newest) await this.#options.reports.writeAnchor(anchorOf(newest.state));
        if (reader.nextOffset === before)
          throw new Fault('MR-3007', {
            detail: `the log acknowledged progress offset ${this.#wanted} but ends at ${before}`,
          });
        this.#wake();
      }
    } catch (error) {
      this.#fail(toFault(error));
    } finally {
      this.#running = false;
    }
  }

  #judge({ record, state }: CountingRecord): void {
    const { identity, onCounts } = this.#options;
    if (record.epoch !== identity.epoch || !sameBytes(record.nonce, identity.nonce))
      throw fenced(record.epoch);
    assert(
      comparePositions(this.#position, state.to) <= 0,
      `what is read back goes on from ${formatPosition(this.#position)}`,
    );
    this.#position = state.to;
    onCounts(state.to);
  }

  /**
   * A void record is passed over in silence by readers; for us it means that somebody claimed. Its offset alone would not tell: where a
   * leader changed in the middle of an append, an earlier copy of the same bytes counts, and the acknowledged one is its duplicate.
   */
  #mustCount(): void {
    const { reader, identity } = this.#options;
    if (reader.nextOffset <= this.#wanted) return;
    const { epoch, nonce, seq } = reader.state;
    if (epoch !== identity.epoch || !sameBytes(nonce, identity.nonce) || seq < this.#wantedSeq)
      throw fenced(epoch, identity.epoch);
  }

  #wake(): void {
    const { nextOffset } = this.#options.reader;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ offset }) => offset >= nextOffset);
    for (const { offset, wake } of waiters) if (offset < nextOffset) wake();
  }
}

const fenced = (epoch: number, own?: number): Fault =>
  new Fault('MR-2009', {
    detail:
      own === undefined
        ? `epoch ${epoch} was claimed by another capture`
        : `a record of epoch ${own} does not count: the log stands at epoch ${epoch}`,
    context: { epoch },
  });
