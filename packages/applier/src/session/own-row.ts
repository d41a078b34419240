import type { StoredPosition } from '@millrace/follower';
import { type FollowerReport, type FollowerReports, sameBytes } from '@millrace/log';
import { formatPosition } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { Reached } from '../decisions.js';
import { randomBytesOf } from '../registration/registration.js';
import { parseNotes } from './notes.js';
import type { SessionOptions } from './session-scope.js';

/** The position row is to be taken over anew: a resync was ordered. No fault. */
export class RegisteredAnew extends Error {}

const owner_bytes = 16;

/** A position row as one session takes it over, and looks at it later. */
export class OwnRow {
  /** What this session writes into the row. */
  readonly owner: Uint8Array;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.owner = randomBytesOf(options.surroundings.random, owner_bytes);
  }

  /**
   * Registers the follower unless it is, and takes its row over. `remembered` is the service's own memory. Faults: MR-4005 without a
   * row, MR-3006 for another log's, MR-4004 for one that went back; throws `RegisteredAnew` for another registration's.
   */
  async takeOver(
    reports: FollowerReports,
    remembered: Reached | undefined,
  ): Promise<{ readonly row: StoredPosition; readonly storeId: Uint8Array }> {
    const { name, follower, log, register, partition, registration } = this.#options;
    await register();
    const row = await follower.takeOver(this.owner);
    const storeId = await follower.storeId();
    if (!row || !storeId)
      throw new Fault('MR-4005', {
        detail: `follower ${name} lost its position row between registration and takeover`,
      });
    if (!sameBytes(row.logId, log.id))
      throw new Fault('MR-3006', {
        detail: `follower ${name} was fed from log ${hex(row.logId)}, this is log ${hex(log.id)}`,
      });
    // Which events are this partition's depends on how many there are, and that is the registration's to say (R25).
    if (partition && parseNotes(row.notes).registration !== registration) throw new RegisteredAnew();
    this.#checkWentBack(row, remembered, await reports.get(name), storeId);
    return { row, storeId };
  }

  /** R23: a restored follower on a quiet leader would stay behind silently. */
  #checkWentBack(
    row: StoredPosition,
    remembered: Reached | undefined,
    report: FollowerReport | undefined,
    storeId: Uint8Array,
  ): void {
    const { decisions, policies, name, surroundings } = this.#options;
    const now: Reached = { registration: parseNotes(row.notes).registration, position: row.position };
    const isOwn = report?.registration !== undefined && sameBytes(report.storeId, storeId);
    const reported: Reached | undefined = isOwn
      ? { registration: report.registration ?? 0, position: report.position }
      : undefined;
    const reached = [remembered, reported].find((before) => decisions.wentBack(now, before));
    if (!reached) return;
    const detail = `follower ${name} stands at ${formatPosition(row.position)}, but had reached ${formatPosition(reached.position)}`;
    if (!decisions.mayReplay(policies.onRestore)) throw new Fault('MR-4004', { detail });
    surroundings.logger.warn({ follower: name }, `${detail}: replaying from its own position`);
  }

  /** R23: on idle ticks, since nothing else would tell of a restore or a takeover while the leader is quiet. */
  async look(reached: Reached): Promise<StoredPosition> {
    const { follower, decisions, name } = this.#options;
    const row = await follower.position();
    const verdict = decisions.judgeRow({
      row: row && { ...row, registration: parseNotes(row.notes).registration },
      owner: this.owner,
      reached,
    });
    if (verdict === 'anew') throw new RegisteredAnew();
    if (verdict === 'fenced')
      throw new Fault('MR-4003', { detail: `follower ${name} belongs to another applier` });
    if (verdict === 'went-back' || !row)
      throw new Fault('MR-4004', {
        detail: `follower ${name} stands at ${row ? formatPosition(row.position) : 'no position'}, this applier left it at ${formatPosition(reached.position)}`,
      });
    return row;
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
