import type { LogStorage } from '../samples/sample.js';

/** What runs out first when nothing changes. */
export type DeadlineResource = 'budget' | 'slot_limit' | 'log_retention';

export interface Deadline {
  readonly resource: DeadlineResource;
  readonly seconds: number;
  /** Of `log_retention`: what is not applied by then is dropped; otherwise the log is full, and takes no more. */
  readonly drops?: true;
}

export interface DeadlineInputs {
  readonly kind: 'capture' | 'follower';
  readonly lag_bytes: number | undefined;
  readonly page_bytes: number | undefined;
  readonly growth_bps: number | undefined;
  readonly in_bps: number | undefined;
  /** What the leader may still write before it drops the slot. */
  readonly safeWal_bytes: number | undefined;
  readonly storage: LogStorage | undefined;
  readonly storageGrowth_bps: number | undefined;
  /** How old the oldest commit is that the edge has not applied; undefined when it has all. */
  readonly oldestMissing_s: number | undefined;
}

/** A rate under this is standing still: a projection from it would be weeks long and wrong. */
const rate_bps_min = 1;
/** Nobody acts on what is further away, and no rate lasts so long: 30 days. */
const deadline_s_max = 2_592_000;

/** Deadlines of one edge, nearest first; one that cannot be told is left out, never 0. */
export function nearestDeadline(inputs: DeadlineInputs): Deadline[] {
  const found: Deadline[] = [];
  const add = (
    resource: DeadlineResource,
    left_bytes: number | undefined,
    rate_bps: number | undefined,
  ): void => {
    if (left_bytes === undefined || rate_bps === undefined || rate_bps < rate_bps_min) return;
    const seconds = Math.max(0, left_bytes) / rate_bps;
    if (seconds <= deadline_s_max) found.push({ resource, seconds });
  };
  const { lag_bytes, page_bytes, storage } = inputs;
  const left =
    lag_bytes === undefined || page_bytes === undefined || lag_bytes > page_bytes
      ? undefined
      : page_bytes - lag_bytes;
  add('budget', left, inputs.growth_bps);
  // Only capture's lag threatens the leader's disk; a follower's threatens the log's room.
  if (inputs.kind === 'capture') add('slot_limit', inputs.safeWal_bytes, inputs.in_bps);
  else {
    if (storage?.limit_bytes !== undefined)
      add('log_retention', storage.limit_bytes - storage.used_bytes, inputs.storageGrowth_bps);
    if (storage?.keeps_ms !== undefined && inputs.oldestMissing_s !== undefined) {
      const seconds = Math.max(0, storage.keeps_ms / 1_000 - inputs.oldestMissing_s);
      if (seconds <= deadline_s_max) found.push({ resource: 'log_retention', seconds, drops: true });
    }
  }
  return found.sort((a, b) => a.seconds - b.seconds);
}
