/** What one process cost during a drain. */
export interface ProcessUse {
  /** `capture`, `applier`, `walsender`, `apply worker`, `connect`. */
  readonly name: string;
  /** User and system time, seconds. */
  readonly cpu_s: number;
  /** Highest anonymous resident memory seen (Linux: RssAnon, sampled every 50 ms), bytes. For a Java machine: the same. */
  readonly peakAnonymous_bytes: number;
}
