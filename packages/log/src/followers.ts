import { formatPosition, type Position, parsePosition } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { decodeAnchor, encodeAnchor } from './anchor-codec.js';
import type { Log, LogTable } from './port.js';
import type { Anchor } from './records.js';

/** As in log-protocol §6. */
export type ReportedState = 'exact' | 'building' | 'diverged' | 'stopped';

/** What a follower tells the others about itself, after each of its commits (R23). A hint to all but itself: the truth is its own row. */
export interface FollowerReport {
  readonly follower: string;
  readonly logId: Uint8Array;
  readonly storeId: Uint8Array;
  readonly owner: Uint8Array;
  readonly state: ReportedState;
  readonly position: Position;
  /** Last applied record: the progress partition is kept from here on under `hold` (§10). */
  readonly anchor: Anchor;
  /** Wall clock of the reporter, milliseconds since the Unix epoch. For people. */
  readonly reportedAt_ms: number;
  /** Topics whose tables are not complete yet. */
  readonly tablesBuilding: readonly string[];
  /** Present when the applier stopped on a fault: its code and detail, for the monitor's page. */
  readonly fault?: { readonly code: string; readonly detail: string };
  /** What the follower asks of capture: a snapshot of all tables (`resync`), or of some topics. */
  readonly requests?: readonly FollowerRequest[];
  /** Counts registrations of the follower's store: positions of an earlier one (before a resync) do not compare with a later one's. */
  readonly registration?: number;
}

export interface FollowerRequest {
  readonly kind: 'snapshot';
  /** Topics to read; empty: all. */
  readonly topics: readonly string[];
  /** Any snapshot of a greater number (`SnapshotState.id`) serves the request, so that one wish is served once, whoever restarts. */
  readonly number: number;
}

const tableName = 'followers';
const anchorKey = 'anchor';
const reportPrefix = 'follower/';

/** The log's table of followers and anchors: compacted, last writer wins; a late write is only older (§10). */
export class FollowerReports {
  readonly #table: LogTable;

  constructor(log: Log) {
    this.#table = log.table(tableName);
  }

  async report(report: FollowerReport): Promise<void> {
    await this.#table.put(reportPrefix + report.follower, encodeReport(report));
  }

  async get(follower: string): Promise<FollowerReport | undefined> {
    const bytes = await this.#table.get(reportPrefix + follower);
    return bytes && decodeReport(bytes);
  }

  /** Every registered follower, by name. */
  async list(): Promise<FollowerReport[]> {
    const reports: FollowerReport[] = [];
    for (const [key, bytes] of await this.#table.entries())
      if (key.startsWith(reportPrefix)) reports.push(decodeReport(bytes));
    return reports.sort((a, b) => (a.follower < b.follower ? -1 : 1));
  }

  /** Unregisters: what only this follower still needed may go. */
  async forget(follower: string): Promise<void> {
    await this.#table.delete(reportPrefix + follower);
  }

  /** A checkpoint that capture has read back: where monitors and new followers start (§10). */
  async readAnchor(): Promise<Anchor | undefined> {
    const bytes = await this.#table.get(anchorKey);
    return bytes && decodeAnchor(bytes);
  }

  async writeAnchor(anchor: Anchor): Promise<void> {
    await this.#table.put(anchorKey, encodeAnchor(anchor));
  }
}

interface ReportText extends Omit<FollowerReport, 'logId' | 'storeId' | 'owner' | 'position' | 'anchor'> {
  readonly logId: string;
  readonly storeId: string;
  readonly owner: string;
  readonly position: string;
  readonly anchor: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** JSON, so that an operator can read the table; identities in hexadecimal. */
function encodeReport(report: FollowerReport): Uint8Array {
  const text: ReportText = {
    ...report,
    logId: hex(report.logId),
    storeId: hex(report.storeId),
    owner: hex(report.owner),
    position: formatPosition(report.position),
    anchor: hex(encodeAnchor(report.anchor)),
  };
  return Buffer.from(JSON.stringify(text), 'utf8');
}

function decodeReport(bytes: Uint8Array): FollowerReport {
  try {
    const text = JSON.parse(Buffer.from(bytes).toString('utf8')) as ReportText;
    return {
      ...text,
      logId: unhex(text.logId),
      storeId: unhex(text.storeId),
      owner: unhex(text.owner),
      position: parsePosition(text.position),
      anchor: decodeAnchor(unhex(text.anchor)),
    };
  } catch (cause) {
    throw new Fault('MR-3012', { detail: 'a follower’s report in the log cannot be read', cause });
  }
}
