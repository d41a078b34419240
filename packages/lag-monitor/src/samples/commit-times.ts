import { comparePositions, type Position } from '@millrace/model';

interface Entry {
  readonly to: Position;
  readonly firstCommit_us: bigint;
  readonly lastCommit_us: bigint;
}

/** Enough for an hour of one record a second at full detail; older detail is thinned, never the span. */
const entries_max = 4_096;

/** When the leader committed what the log holds: bounded, so that staleness in seconds can stand beside lag in bytes. */
export class CommitTimes {
  #entries: Entry[] = [];

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > entries_max) this.#entries = this.#entries.filter((_, i) => i % 2 === 1);
  }

  /** Commit time of the oldest commit that `position` does not cover; undefined when it covers all, or too long ago. */
  oldestMissing_us(position: Position): bigint | undefined {
    return this.#entries[this.#indexAfter(position)]?.firstCommit_us;
  }

  /** Commit time of the last commit that `position` covers; undefined when that is too long ago to tell. */
  lastCovered_us(position: Position): bigint | undefined {
    return this.#entries[this.#indexAfter(position) - 1]?.lastCommit_us;
  }

  #indexAfter(position: Position): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePositions((this.#entries[middle] as Entry).to, position) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
