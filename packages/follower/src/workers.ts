/**
 * Capability of stores that several processes can open: who is at work on a follower, so that one works and the others stand
 * by, or share its partitions. A hint that chooses who tries, never what makes writing safe: that are the owner and the
 * position in the row (R21, R22). Its contract:
 *
 * - Entries are kept in the store itself, on a connection of their own: no call waits for a follower transaction, and none
 *   of them delays one.
 * - Silence is measured by the store's clock, since the workers' own clocks differ.
 * - What `join` and `beat` return was read after the worker's own entry could be seen by everybody: of two that join at once, at
 *   least one sees the other, and both agree on who came first.
 * - Entries may vanish (a crash of the store): the next beat enters the worker again, behind the others.
 */
export interface WorkerTable {
  /** This handle among the follower's workers: 16 hexadecimal digits, random per handle. */
  readonly id: string;
  /** Enters behind everybody who is entered, also when entered already: steps back in the queue. */
  join(note: WorkerNote): Promise<readonly SeenWorker[]>;
  /** Says that this worker lives and what it does. */
  beat(note: WorkerNote): Promise<readonly SeenWorker[]>;
  /** Takes the own entry out: others need not wait for its silence. */
  leave(): Promise<void>;
  /**
   * Takes a silent worker's entry out and ends the sessions that it left in the store, where the store allows: one that was
   * stopped within a transaction holds its position row's lock (R22). Such a worker loses its connection, nothing else.
   */
  evict(id: string): Promise<void>;
}

/** What a worker says of itself. */
export interface WorkerNote {
  readonly host: string;
  readonly pid: number;
  /** It has taken the follower over, or is about to. */
  readonly active: boolean;
  /** Partitions that it works on; empty in transactional mode. */
  readonly partitions: readonly number[];
}

export interface SeenWorker extends WorkerNote {
  readonly id: string;
  /** Order of entering; smaller came first. */
  readonly rank: number;
  /** Since its last word, by the store's clock. */
  readonly silence_ms: number;
}
