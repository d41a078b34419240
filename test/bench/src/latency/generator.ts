import { setTimeout as sleep } from 'node:timers/promises';
import type { Schedule } from './schedule.js';

/** A commit that begins this much after it was due is late: beyond what timers alone cost. */
const late_ms_min = 5;

export interface Generated {
  readonly commits: number;
  /** Commits that began more than 5 ms after they were due, because the one before was not done. */
  readonly late: number;
  readonly worstLate_ms: number;
}

export interface GeneratorOptions {
  readonly schedule: Schedule;
  /** Makes commit number `index`; resolves when the leader has acknowledged it. */
  commit(index: number): Promise<void>;
  /** Called at once after each acknowledgement. */
  onCommitted(index: number): void;
  readonly signal: AbortSignal;
}

/**
 * Commits on a fixed schedule, however slow the follower is: an open loop. One connection, so that commits become visible in
 * the order of their numbers. What is due while a commit is under way follows at once, and is told as late.
 */
export async function generate(options: GeneratorOptions): Promise<Generated> {
  const { schedule, commit, onCommitted, signal } = options;
  const started_ms = performance.now();
  let late = 0;
  let worstLate_ms = 0;
  for (const [index, due_ms] of schedule.entries()) {
    const early_ms = due_ms - (performance.now() - started_ms);
    if (early_ms > 0) await sleep(early_ms, undefined, { signal });
    else signal.throwIfAborted();
    const late_ms = performance.now() - started_ms - due_ms;
    if (late_ms > late_ms_min) late += 1;
    worstLate_ms = Math.max(worstLate_ms, late_ms);
    await commit(index);
    onCommitted(index);
  }
  return { commits: schedule.length, late, worstLate_ms };
}
