import { type FollowerReport, type FollowerReports, type Log, sameBytes } from '@millrace/log';
import { type Surroundings, toFault } from '@millrace/runtime';
import { decodeMarks, encodeMarks, keptFrom, type TrimMark, withMark } from './trim-marks.js';

export interface TrimFacts {
  readonly logId: Uint8Array;
  /** Where the chain's checkpoint stood when the time began for which records are kept; undefined: it has not been so long yet. */
  readonly keptFrom: bigint | undefined;
  readonly reports: readonly FollowerReport[];
}

/**
 * §10: progress records below the least registered anchor may go, if they are old, too: a follower restored from a backup goes on from its
 * own anchor while the records from there on are kept. Undefined: none may. Anchors of other logs say nothing about this one.
 */
export function trimPoint({ logId, keptFrom, reports }: TrimFacts): bigint | undefined {
  if (keptFrom === undefined) return undefined;
  let least = keptFrom;
  for (const report of reports)
    if (sameBytes(report.logId, logId) && report.anchor.offset < least) least = report.anchor.offset;
  return least > 0n ? least : undefined;
}

export interface TrimmingOptions {
  readonly log: Log;
  readonly reports: FollowerReports;
  readonly surroundings: Surroundings;
  readonly limits: { readonly trim_ms: number; readonly trimAfter_ms: number };
  readonly signal: AbortSignal;
}

const tableName = 'trimming';
const marksKey = 'marks';

/**
 * Trims the progress records of a log that keeps them for ever otherwise. An old capture that still runs trims less, which is harmless. A
 * log that cannot be trimmed only grows: that is said, and no reason to stop capturing.
 */
export async function trimProgress({
  log,
  reports,
  surroundings,
  limits,
  signal,
}: TrimmingOptions): Promise<void> {
  const { clock, logger } = surroundings;
  let trimmed = 0n;
  // A log with a retention of its own has nothing to be done here, and whoever runs beside a stream ends with it.
  while (!signal.aborted) {
    await clock.sleep(limits.trim_ms, signal);
    if (signal.aborted || !log.needsTrim) continue;
    try {
      const marks = await remember(log, reports, clock.now(), limits.trimAfter_ms);
      const kept = keptFrom(marks, clock.now(), limits.trimAfter_ms);
      const before = trimPoint({ logId: log.id, keptFrom: kept, reports: await reports.list() });
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

/** Notes in the log, for captures to come, where its checkpoint stands now. */
async function remember(
  log: Log,
  reports: FollowerReports,
  now_ms: number,
  trimAfter_ms: number,
): Promise<readonly TrimMark[]> {
  const table = log.table(tableName);
  const before = decodeMarks(await table.get(marksKey), log.id);
  const anchor = await reports.readAnchor();
  if (!anchor) return before;
  const after = withMark(before, { at_ms: now_ms, offset: anchor.offset }, trimAfter_ms);
  if (after !== before) await table.put(marksKey, encodeMarks(after, log.id));
  return after;
}
