import type { PositionRow } from '@millrace/follower';
import { decodeAnchor, FollowerReports, type Log } from '@millrace/log';
import { comparePositions, type Position } from '@millrace/model';
import type { Clock, Fault } from '@millrace/runtime';
import { reportOf } from '../registration/reporter.js';
import { parseNotes } from '../session/notes.js';
import type { PartitionBoard } from './partition-run.js';

/** The row that is furthest behind: up to its position the follower is complete (R25). Undefined when there are no rows. */
export const leastRow = (rows: readonly PositionRow[]): PositionRow | undefined =>
  rows.reduce<PositionRow | undefined>(
    (least, row) => (least && isBefore(least, row) ? least : row),
    undefined,
  );

/** Records that do not move the position move the anchor, which the log must keep for the row that has the least (§10). */
function isBefore(a: PositionRow, b: PositionRow): boolean {
  const order = comparePositions(a.position, b.position);
  return order === 0 ? decodeAnchor(a.anchor).offset <= decodeAnchor(b.anchor).offset : order < 0;
}

/** What the reports of a partitioned follower are made of. */
export interface ReportingScope {
  readonly follower: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly storeId: () => Promise<Uint8Array | undefined>;
}

/** Reports for all partitions (R23): the least row's position and anchor, and what partition 0 knows of tables and requests. */
export class CompletenessReports {
  readonly #o: ReportingScope;
  readonly #reports: FollowerReports;
  #reported: Position | undefined;
  #said = '';

  constructor(scope: ReportingScope) {
    this.#o = scope;
    this.#reports = new FollowerReports(scope.log);
  }

  /** Writes a report unless nothing has changed since the last. `board`: of partition 0, or at a stop of any. */
  async report(rows: readonly PositionRow[], board: PartitionBoard, fault?: Fault): Promise<void> {
    const { follower, clock } = this.#o;
    const { stands } = board;
    const least = leastRow(rows);
    const storeId = await this.#o.storeId();
    if (!stands || !least || !storeId) return;
    const { standing, topics } = stands;
    // Before a resync is noticed the rows are new and the standing is old: their positions do not compare.
    if (parseNotes(least.notes).registration !== standing.notes.registration) return;
    const { position, anchor, owner } = least;
    const topicName = (topic: number): string => topics.find(topic) ?? String(topic);
    const reporter = { follower, storeId, owner };
    const report = reportOf({ ...standing, position, anchor }, reporter, topicName, clock.now(), fault);
    const isBuilding = report.state === 'exact' && rows.some(({ state }) => state === 'building');
    const said = JSON.stringify([isBuilding, report.state, report.tablesBuilding, report.requests]);
    const isNews = !this.#reported || comparePositions(this.#reported, position) !== 0 || said !== this.#said;
    if (!isNews && !fault) return;
    await this.#reports.report(isBuilding ? { ...report, state: 'building' } : report);
    this.#reported = position;
    this.#said = said;
  }
}
