import { ChainReader, type CountingRecord, FollowerReports, isOpened, type Log } from '@millrace/log';
import type { Lsn, Position } from '@millrace/model';
import { isFault } from '@millrace/runtime';
import { CommitTimes } from './commit-times.js';

/** A fork of the leader, from an `open` record: positions of earlier histories beyond `forkAt` never happened (§8). */
export interface ForkPoint {
  readonly history: number;
  readonly forkAt: Lsn;
}

/** What the progress records tell the monitor. */
export interface ChainReading {
  /** `to` of the newest record that counts; undefined before the first `open`. */
  readonly head: Position | undefined;
  readonly epoch: number;
  readonly forks: readonly ForkPoint[];
  readonly commitTimes: CommitTimes;
  /** Counted since this monitor began to read: for rates. */
  readonly events: bigint;
  readonly transactions: bigint;
}

/** Follows the chain from the verified anchor, as any reader does (R4): the monitor never guesses from a suffix. */
export class ChainHead {
  readonly #log: Log;
  #reader: ChainReader | undefined;
  #forks: ForkPoint[] = [];
  #commitTimes = new CommitTimes();
  #events = 0n;
  #transactions = 0n;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Reads on to the present head. Throws the chain's faults; a later call starts anew from the anchor. */
  async read(): Promise<ChainReading> {
    this.#reader ??= await this.#open();
    try {
      await this.#reader.readToHead((record) => this.#note(record));
    } catch (error) {
      const reader = this.#reader;
      this.#reader = undefined;
      // The monitor slept through a trim: the anchor in the log has moved on with it.
      if (!isFault(error, 'MR-3003') || reader.nextOffset === 0n) throw error;
      this.#reader = await this.#open();
      await this.#reader.readToHead((record) => this.#note(record));
    }
    const { state } = this.#reader;
    return {
      head: isOpened(state) ? state.to : undefined,
      epoch: state.epoch,
      forks: this.#forks,
      commitTimes: this.#commitTimes,
      events: this.#events,
      transactions: this.#transactions,
    };
  }

  async #open(): Promise<ChainReader> {
    this.#forks = [];
    this.#commitTimes = new CommitTimes();
    const anchor = await new FollowerReports(this.#log).readAnchor();
    return new ChainReader(this.#log, anchor ? { kind: 'anchor', anchor } : { kind: 'start' });
  }

  #note({ record, state }: CountingRecord): void {
    if (record.kind === 'open' && record.fork && this.#forks.at(-1)?.history !== record.at.history)
      this.#forks = [...this.#forks, { history: record.at.history, forkAt: record.fork.forkAt }];
    if (record.kind !== 'progress') return;
    this.#events += record.events;
    this.#transactions += BigInt(record.transactions);
    const { firstCommit_us, lastCommit_us } = record;
    if (lastCommit_us > 0n) this.#commitTimes.add({ to: state.to, firstCommit_us, lastCommit_us });
  }
}
