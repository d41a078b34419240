import type { Codec } from '@millrace/codec';
import { type CommitFate, MemoryFollower, type MemoryFollowerStore } from '@millrace/follower';
import type { Log } from '@millrace/log';
import { type Fault, silentLogger, systemClock } from '@millrace/runtime';
import { type Applier, createApplier } from '../applier.js';
import type { ApplierMode, ApplierPolicies } from '../policies.js';

export const workerSilence_ms = 250;

/** An applier whose process can be frozen and killed: every call of its follower and of its workers' table then waits. */
export class Worker {
  readonly follower: MemoryFollower;
  readonly applier: Applier;
  readonly ended: Promise<Fault | undefined>;
  /** What becomes of its commits. */
  commitFate: () => CommitFate = () => 'done';
  readonly #abort = new AbortController();
  #frozen: Promise<void> | undefined;
  #thaw: (() => void) | undefined;

  constructor(
    store: MemoryFollowerStore,
    log: Log,
    codec: Codec,
    mode?: ApplierMode,
    policies: Partial<ApplierPolicies> = {},
  ) {
    this.follower = new MemoryFollower(store, 'replica', {
      before: () => this.#frozen,
      commit: () => this.commitFate(),
    });
    const { workers } = this.follower;
    const { beat, join } = workers;
    workers.beat = async (note) => {
      await this.#frozen;
      return await beat.call(workers, note);
    };
    workers.join = async (note) => {
      await this.#frozen;
      return await join.call(workers, note);
    };
    this.applier = createApplier({
      name: 'replica',
      log,
      codec,
      follower: this.follower,
      ...(mode && { mode }),
      policies,
      limits: { idle_ms: 20, report_ms: 5, worker_beat_ms: 10, worker_silence_ms: workerSilence_ms },
      surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
      identity: { host: 'mill', pid: 7 },
    });
    this.ended = this.applier.run(this.#abort.signal).then(
      () => undefined,
      (fault: Fault) => fault,
    );
  }

  get phase(): string {
    return this.applier.status().phase;
  }

  get held(): readonly number[] {
    return this.applier.status().partitions?.held ?? [];
  }

  /** SIGSTOP: whatever it was about to do waits. */
  freeze(): void {
    this.#frozen ??= new Promise((resolve) => {
      this.#thaw = resolve;
    });
  }

  /** SIGCONT. */
  thaw(): void {
    this.#thaw?.();
    this.#frozen = undefined;
  }

  /** SIGTERM. */
  async stop(): Promise<Fault | undefined> {
    this.thaw();
    this.#abort.abort();
    return await this.ended;
  }
}
