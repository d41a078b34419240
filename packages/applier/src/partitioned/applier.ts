import type { Follower, PartitionedFollower, PositionRow, SeenWorker } from '@millrace/follower';
import { backoff_ms, defaultBackoff, Fault, JointSignal, toFault } from '@millrace/runtime';
import type { Applier } from '../applier.js';
import { initialPosition } from '../registration/registration.js';
import { parseNotes } from '../session/notes.js';
import type { SessionSettings } from '../session/session-scope.js';
import { type ApplierStatus, StatusBoard } from '../status.js';
import type { Roster } from '../workers/roster.js';
import { living } from '../workers/seats.js';
import { CompletenessReports } from './completeness.js';
import { limitsPerPartition } from './limits.js';
import { addedUp, type Figures, mergedStatus } from './merged-status.js';
import { type PartitionBoard, type PartitionEnd, PartitionRun } from './partition-run.js';
import { planShare } from './share.js';

/**
 * One worker of a follower in partitioned mode (R25 to R27): takes its fair share of the partitions, works on each by itself,
 * gives up what others are due. Which partitions it takes is a matter of liveness; the owner in each row is what keeps two
 * workers from writing one partition.
 */
export class PartitionedApplier implements Applier {
  readonly #follower: Follower;
  readonly #wanted: number;
  readonly #settings: SessionSettings;
  readonly #roster: Roster | undefined;
  readonly #board: StatusBoard;
  readonly #runs = new Map<number, PartitionRun>();
  readonly #reports: CompletenessReports;
  #rows: readonly PositionRow[] = [];
  /** Of the partition that ended last: where a fault has ended it, nothing else may be left to report by. */
  #lastBoard: PartitionBoard | undefined;
  /** Figures of the partitions that this worker had before: totals never fall. */
  #past: Figures;
  #wake: (() => void) | undefined;
  #ending: { readonly error: unknown } | 'anew' | undefined;

  constructor(follower: Follower, wanted: number, settings: SessionSettings, roster: Roster | undefined) {
    const { name, log, surroundings } = settings;
    const { clock } = surroundings;
    this.#follower = follower;
    this.#wanted = wanted;
    this.#settings = settings;
    this.#roster = roster;
    this.#board = new StatusBoard(name, clock);
    this.#past = this.#board.status();
    const storeId = () => follower.storeId();
    this.#reports = new CompletenessReports({ follower: name, log, clock, storeId });
  }

  status(): ApplierStatus {
    const others = this.#roster?.others ?? [];
    const { applied, latency } = this.#past;
    const own = { ...this.#board.status(), applied, latency };
    return mergedStatus(own, [...this.#runs.values()], this.#rows, others);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { partitioned } = this.#follower;
    const roster = this.#roster;
    try {
      if (!partitioned || !roster) throw this.#unsupported();
      while (!signal.aborted) await this.#serve(partitioned, roster, signal);
      await this.#releaseAll();
      this.#board.ended();
    } catch (error) {
      const fault = toFault(error);
      this.#board.stopped(fault);
      await this.#reportStop(fault);
      throw fault;
    } finally {
      await this.#releaseAll();
      await roster?.leave();
    }
  }

  /** From a registration to the next one, an abort or a fault that needs an operator. Faults that heal are waited out. */
  async #serve(partitioned: PartitionedFollower, roster: Roster, signal: AbortSignal): Promise<void> {
    const { surroundings, limits, name } = this.#settings;
    const { clock, logger, random } = surroundings;
    this.#ending = undefined;
    while (!signal.aborted && this.#ending === undefined) {
      let pause_ms = limits.worker_beat_ms;
      try {
        this.#rows = await this.#registered(partitioned);
        await this.#takeShare(partitioned, roster, this.#rows.length);
        await this.#report();
        this.#board.healed();
      } catch (error) {
        const fault = toFault(error);
        if (fault.entry.policy === 'stop' || fault.entry.policy === 'exit') throw fault;
        pause_ms = backoff_ms(defaultBackoff, this.#board.nextAttempt(), random());
        this.#board.waiting(fault.detail, fault.code);
        logger.warn({ follower: name, code: fault.code, pause_ms }, fault.detail);
      }
      await this.#pause(clock, pause_ms, signal);
    }
    const ending = this.#ending as { readonly error: unknown } | 'anew' | undefined;
    if (ending === undefined) return;
    if (ending !== 'anew') throw ending.error;
    await this.#releaseAll();
  }

  /** R25: the rows of all partitions exist from registration. */
  async #registered(partitioned: PartitionedFollower): Promise<readonly PositionRow[]> {
    const rows = await partitioned.rows();
    if (rows.length > 0) return rows;
    const initial = await initialPosition(this.#settings.log);
    await partitioned.register(initial, this.#wanted, { reset: false });
    return await partitioned.rows();
  }

  async #takeShare(partitioned: PartitionedFollower, roster: Roster, count: number): Promise<void> {
    const { worker_silence_ms: silence_ms } = this.#settings.limits;
    await roster.enter();
    roster.working(this.#runs.size > 0, [...this.#runs.keys()]);
    await roster.beat();
    await roster.takeOutSilent();
    const { release, claim } = planShare(roster.id, living(roster.seen, silence_ms), count);
    for (const number of release) this.#runs.get(number)?.release();
    if (claim.length === 0) return;
    // Told before it is done: of two that claim one partition at once, the later one in rank sees it here.
    roster.working(true, [...this.#runs.keys(), ...claim]);
    const alive = living(await roster.beat(), silence_ms);
    for (const number of claim)
      if (!isClaimedBefore(number, roster.id, alive)) this.#start(partitioned, number, count);
  }

  #start(partitioned: PartitionedFollower, number: number, count: number): void {
    const { logger } = this.#settings.surroundings;
    const settings = { ...this.#settings, limits: limitsPerPartition(this.#settings.limits, count) };
    logger.info({ follower: settings.name, partition: number }, 'takes a partition');
    const division = {
      count,
      registration: registrationOf(this.#rows) as number,
      newest: async () => registrationOf(await partitioned.rows()),
    };
    const run = new PartitionRun(number, division, partitioned.open(number), settings);
    this.#runs.set(number, run);
    void run.ended.then((end) => this.#ended(run, end));
  }

  #ended(run: PartitionRun, end: PartitionEnd): void {
    const { name, surroundings } = this.#settings;
    if (this.#runs.get(run.number) === run) this.#runs.delete(run.number);
    this.#lastBoard = run.board;
    this.#past = addedUp(this.#past, run.board.status());
    const about = { follower: name, partition: run.number };
    if (end.kind === 'fenced')
      surroundings.logger.warn(
        about,
        'fenced: the partition belongs to another worker, this one changes nothing there any more',
      );
    else if (end.kind === 'released') surroundings.logger.info(about, 'gave a partition up');
    else if (end.kind === 'anew') this.#ending ??= 'anew';
    else this.#ending = { error: end.error };
    this.#wake?.();
  }

  async #pause(
    clock: SessionSettings['surroundings']['clock'],
    ms: number,
    signal: AbortSignal,
  ): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    using either = new JointSignal(signal, woken.signal);
    if (this.#ending === undefined) await clock.sleep(ms, either.signal);
    this.#wake = undefined;
  }

  /** Partition 0 speaks for all. */
  async #report(fault?: Fault): Promise<void> {
    const board = this.#runs.get(0)?.board ?? (fault && this.#lastBoard);
    if (board) await this.#reports.report(this.#rows, board, fault);
  }

  async #reportStop(fault: Fault): Promise<void> {
    await this.#reportAsItStands(fault).catch((error: unknown) => {
      const { code } = toFault(error);
      this.#settings.surroundings.logger.warn(
        { follower: this.#settings.name, code },
        'the stop could not be reported to the log',
      );
    });
  }

  async #reportAsItStands(fault: Fault): Promise<void> {
    this.#rows = (await this.#follower.partitioned?.rows()) ?? [];
    await this.#report(fault);
  }

  async #releaseAll(): Promise<void> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.release();
    await Promise.all(runs.map(({ ended }) => ended));
  }

  #unsupported(): Fault {
    const { kind } = this.#follower.capabilities;
    return new Fault('MR-4015', {
      detail: `follower ${this.#settings.name}: ${kind} has no partitioned mode`,
    });
  }
}

/** All rows of a follower are of one registration. */
const registrationOf = ([row]: readonly PositionRow[]): number | undefined =>
  row && parseNotes(row.notes).registration;

function isClaimedBefore(number: number, me: string, alive: readonly SeenWorker[]): boolean {
  const own = alive.find(({ id }) => id === me);
  return alive.some(
    ({ id, rank, partitions }) => id !== me && partitions.includes(number) && (!own || rank < own.rank),
  );
}
