import { type Anchor, type FollowerReport, type FollowerReports, type Log, sameBytes } from '@millrace/log';
import { type Surroundings, toFault } from '@millrace/runtime';

export interface TrimFacts {
  readonly logId: Uint8Array;
  /** The checkpoint where monitors and new followers start. */
  readonly anchor: Anchor | undefined;
  /** That checkpoint as it was a while ago: who read it then may register from it now. */
  readonly earlierAnchor: Anchor | undefined;
  readonly reports: readonly FollowerReport[];
}

/**
 * §10: progress records below the least registered anchor may go, and below the newest two checkpoints looked at. Undefined: none may.
 * Anchors of other logs say nothing about this one.
 */
export function trimPoint({ logId, anchor, earlierAnchor, reports }: TrimFacts): bigint | undefined {
  if (!anchor || !earlierAnchor) return undefined;
  let least = anchor.offset < earlierAnchor.offset ? anchor.offset : earlierAnchor.offset;
  for (const report of reports)
    if (sameBytes(report.logId, logId) && report.anchor.offset < least) least = report.anchor.offset;
  return least > 0n ? least : undefined;
}

export interface TrimmingOptions {
  readonly log: Log;
  readonly reports: FollowerReports;
  readonly surroundings: Surroundings;
  readonly trim_ms: number;
  readonly signal: AbortSignal;
}

/**
 * Trims the progress records of a log that keeps them for ever otherwise. An old capture that still runs trims less, which is harmless. A
 * log that cannot be trimmed only grows: that is said, and no reason to stop capturing.
 */
export async function trimProgress({
  log,
  reports,
  surroundings,
  trim_ms,
  signal,
}: TrimmingOptions): Promise<void> {
  const { clock, logger } = surroundings;
  let earlierAnchor: Anchor | undefined;
  let trimmed = 0n;
  // A log with a retention of its own has nothing to be done here, and whoever runs beside a stream ends with it.
  while (!signal.aborted) {
    await clock.sleep(trim_ms, signal);
    if (signal.aborted || !log.needsTrim) continue;
    try {
      const anchor = await reports.readAnchor();
      const before = trimPoint({ logId: log.id, anchor, earlierAnchor, reports: await reports.list() });
      earlierAnchor = anchor;
      if (before === undefined || before <= trimmed || signal.aborted) continue;
      await log.trim({ progressBefore: before, eventsBefore: [] });
      trimmed = before;
      logger.debug({ before }, 'progress records were trimmed');
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ err: toFault(error) }, 'progress records could not be trimmed; it is tried again');
    }
  }
}
