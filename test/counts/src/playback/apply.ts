import { type ApplierLimits, createApplier } from '@millrace/applier';
import type { Codec } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import { type Log, MemoryLogServer } from '@millrace/log';
import { captureTape } from './capture.js';
import { stillClock, stillSurroundings } from './still-clock.js';
import { type Tape, turn } from './tape.js';
import { watchedFollower } from './watched-follower.js';

/** Turns after which everything that was played, or written, has been taken in. */
const settling = 8;
/** Beyond any recording. */
const unlimited = 1_000_000_000;

/** A log that holds `passes` passes of a tape, as the real capture writes them: a record per read. */
export async function filledLog(tape: Tape, passes: number, codec: Codec): Promise<Log> {
  const log = new MemoryLogServer({ clock: stillClock }).open();
  await captureTape(tape, log, codec, async (decoder) => {
    for (let pass = 0; pass < passes; pass++) {
      tape.wind();
      await tape.play(decoder);
      for (let i = 0; i < settling; i++) await turn();
    }
  });
  return log;
}

export interface ApplyRequest {
  readonly log: Log;
  readonly codec: Codec;
  readonly follower: Follower;
  /** Where the last transaction ends. */
  readonly end: bigint;
  /** What makes a follower transaction: events, or records. */
  readonly group: Partial<Pick<ApplierLimits, 'group_events' | 'group_records'>>;
  /** Stands around every transaction that brings events. */
  readonly before: () => Promise<void>;
  readonly after: (end: bigint) => Promise<void>;
}

/** Runs the real applier on a log until the follower stands at `end`. */
export async function applyLog(request: ApplyRequest): Promise<void> {
  const { log, codec, end, before, after } = request;
  const stop = new AbortController();
  const { high } = await log.progress.watermarks();
  let stands = 0n;
  let isReadAhead = false;
  const follower = watchedFollower(request.follower, {
    before: async ({ position }) => {
      // The whole chain is read first: a group is then what its limits say, not what happened to be there.
      for (let i = 0n; !isReadAhead && i < high; i++) await turn();
      isReadAhead = true;
      if (position.end > stands && stands > 0n) await before();
    },
    after: async ({ position }) => {
      if (position.end > stands && stands > 0n) await after(position.end);
      stands = position.end;
      if (stands >= end) stop.abort();
    },
  });
  const applier = createApplier({
    name: 'recorded',
    log,
    codec,
    follower,
    limits: {
      group_events: unlimited,
      group_bytes: unlimited,
      group_records: unlimited,
      ahead_records: unlimited,
      ...request.group,
    },
    surroundings: stillSurroundings,
  });
  await applier.run(stop.signal);
  if (stands !== end) throw new Error(`the applier stopped at ${stands}, not at ${end}`);
}
