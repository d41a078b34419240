/** `error` stops replication, `warning` will hurt later, `note` is worth knowing. */
export type Severity = 'error' | 'warning' | 'note';

export interface Finding {
  readonly severity: Severity;
  /** Stable name of the check: `wal-level`. */
  readonly check: string;
  /** What it is about, where there are several: `public.orders`. */
  readonly subject?: string;
  readonly message: string;
  /** SQL or an instruction that mends it. */
  readonly fix?: string;
}
