import type { Follower, SeenWorker, WorkerTable } from '@millrace/follower';
import { type Clock, type Logger, toFault } from '@millrace/runtime';
import type { SessionSettings } from '../session/session-scope.js';
import { living, seatOf, silent } from './seats.js';

/** Who this process is, for people. */
export interface WorkerIdentity {
  readonly host: string;
  readonly pid: number;
}

export interface RosterOptions {
  readonly table: WorkerTable;
  readonly identity: WorkerIdentity;
  /** Pause between two beats. */
  readonly beat_ms: number;
  /** Silence after which a worker counts as gone. */
  readonly silence_ms: number;
  readonly follower: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** This worker among those of its follower: enters, waits for its turn, says that it lives, leaves. */
export class Roster {
  readonly #o: RosterOptions;
  #seen: readonly SeenWorker[] = [];
  #entered = false;
  #active = false;
  #partitions: readonly number[] = [];
  #told: string | undefined;

  constructor(options: RosterOptions) {
    this.#o = options;
  }

  get id(): string {
    return this.#o.table.id;
  }

  /** Everybody entered, as of the last beat. */
  get seen(): readonly SeenWorker[] {
    return this.#seen;
  }

  /** Those of them that are alive, this one left out. */
  get others(): readonly SeenWorker[] {
    return living(this.#seen, this.#o.silence_ms).filter(({ id }) => id !== this.id);
  }

  /**
   * Resolves with true when it is this worker's turn, with false when `signal` aborted. Takes out whoever fell silent before it
   * says so: a session that such a worker left open would hold the position row's lock (R22).
   */
  async untilActive(signal: AbortSignal, onStandby: (behind: SeenWorker) => void): Promise<boolean> {
    const { clock, beat_ms, silence_ms } = this.#o;
    this.#active = false;
    await this.enter();
    while (!signal.aborted) {
      const seen = await this.beat();
      const seat = seatOf(this.id, seen, silence_ms);
      if (seat.kind === 'active') {
        await this.takeOutSilent();
        this.#active = true;
        await this.beat();
        return true;
      }
      onStandby(seat.behind);
      await clock.sleep(beat_ms, signal);
    }
    return false;
  }

  /** Beats until `signal` aborts. A beat that fails is told once and tried again: hints never end the work. */
  async beatUntil(signal: AbortSignal): Promise<void> {
    const { clock, beat_ms, logger, follower } = this.#o;
    while (!signal.aborted) {
      await clock.sleep(beat_ms, signal);
      if (signal.aborted) return;
      const beat = this.beat().then(
        () => {
          this.#told = undefined;
        },
        (error: unknown) => {
          const { code, detail } = toFault(error);
          if (this.#told !== code) logger.warn({ follower, code }, `standbys may take over: ${detail}`);
          this.#told = code;
        },
      );
      // A network that swallows everything must not keep the end waiting.
      await settledOrAborted(beat, signal);
    }
  }

  async beat(): Promise<readonly SeenWorker[]> {
    const { table, identity } = this.#o;
    this.#seen = await table.beat({ ...identity, active: this.#active, partitions: this.#partitions });
    return this.#seen;
  }

  /** What the next beats say this worker works on. */
  working(active: boolean, partitions: readonly number[]): void {
    this.#active = active;
    this.#partitions = partitions;
  }

  async takeOutSilent(): Promise<void> {
    const { table, silence_ms, logger, follower } = this.#o;
    for (const worker of silent(this.#seen, silence_ms)) {
      if (worker.id === this.id) continue;
      logger.warn(
        { follower, worker: worker.id, host: worker.host, pid: worker.pid, silence_ms: worker.silence_ms },
        `worker ${nameOf(worker)} has fallen silent: taking over from it`,
      );
      await table.evict(worker.id);
    }
  }

  /** Lets the others go first: this worker's last attempt failed. */
  stepBack(): void {
    this.#entered = false;
    this.#active = false;
  }

  /** Never throws: who cannot say good-bye is found silent. */
  async leave(): Promise<void> {
    this.#entered = false;
    await this.#o.table.leave().catch((error: unknown) => {
      const { code, detail } = toFault(error);
      this.#o.logger.warn({ follower: this.#o.follower, code }, `left without a word: ${detail}`);
    });
  }

  /** Enters unless entered. */
  async enter(): Promise<void> {
    if (this.#entered) return;
    this.#seen = await this.#o.table.join({ ...this.#o.identity, active: false, partitions: [] });
    this.#entered = true;
  }
}

/** Leaves nothing behind on the signal, which lives for months of beats. `work` never rejects. */
const settledOrAborted = (work: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) return done();
    signal.addEventListener('abort', done, { once: true });
    void work.then(done);
  });

/** The roster of a follower whose store has a table of workers. */
export function rosterFor(
  { workers }: Follower,
  identity: WorkerIdentity,
  { name, limits, surroundings }: SessionSettings,
): Roster | undefined {
  if (!workers) return undefined;
  const { worker_beat_ms: beat_ms, worker_silence_ms: silence_ms } = limits;
  const { clock, logger } = surroundings;
  return new Roster({ table: workers, identity, beat_ms, silence_ms, follower: name, clock, logger });
}

/** A worker as people know it. */
export const nameOf = ({ id, host, pid }: SeenWorker): string => `${id.slice(0, 8)} on ${host} (pid ${pid})`;
