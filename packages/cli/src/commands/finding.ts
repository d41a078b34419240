/** Something that would stop replication or lose time later, with what to do about it. */
export interface Finding {
  /** `leader`, `log`, `registry`, or a follower's name. */
  readonly where: string;
  /** `error` stops replication, `warning` will hurt later, `note` is worth knowing. */
  readonly severity: 'error' | 'warning' | 'note';
  /** The fault that it would become (`MR-4002`), or the check's own stable name (`wal-level`). */
  readonly code: string;
  readonly what: string;
  readonly fix: string | null;
}
