import { type ApplierDecisions, applierDecisions, createApplier, type ReadEvents } from '@millrace/applier';
import type { Codec } from '@millrace/codec';
import type { Follower, StoredPosition } from '@millrace/follower';
import { type Log, MemoryLogServer, readRecordEvents } from '@millrace/log';
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
  /** Records of the log that share a follower transaction at most. */
  readonly group_records?: number;
  /** No follower transaction passes the end of a pass: where the present one ends. */
  readonly passEnd: () => bigint;
  /** Stands around every transaction that brings events. */
  readonly before: () => Promise<void>;
  readonly after: (end: bigint) => Promise<void>;
}

/** Runs the real applier on a log until the follower stands at `end`. */
export async function applyLog(request: ApplyRequest): Promise<void> {
  const { log, codec, end, before, after, group_records = unlimited } = request;
  const stop = new AbortController();
  const { high } = await log.progress.watermarks();
  let stands = 0n;
  let isReadAhead = false;
  // A small group's events are read while its transaction begins: not before the count has begun, too.
  let begun: Promise<void> | undefined;
  const readEvents: ReadEvents = async (...read) => {
    await begun;
    return await readRecordEvents(...read);
  };
  const begin = async ({ position }: StoredPosition): Promise<void> => {
    // The whole chain is read first: a group is then what its limits say, not what happened to be there.
    for (let i = 0n; !isReadAhead && i < high; i++) await turn();
    isReadAhead = true;
    if (position.end > stands && stands > 0n) await before();
  };
  const follower = watchedFollower(request.follower, {
    before: (to) => {
      begun = begin(to);
      return begun;
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
      group_records,
      ahead_records: unlimited,
    },
    decisions: cutAt(request.passEnd),
    readers: { readEvents },
    surroundings: stillSurroundings,
  });
  await applier.run(stop.signal);
  if (stands !== end) throw new Error(`the applier stopped at ${stands}, not at ${end}`);
}

/** The applier's own decisions on what lies before `passEnd`. */
function cutAt(passEnd: () => bigint): ApplierDecisions {
  return {
    ...applierDecisions,
    planGroup(request) {
      const next = request.pending.findIndex(({ state }) => state.to.end > passEnd());
      const pending = next > 0 ? request.pending.slice(0, next) : request.pending;
      return applierDecisions.planGroup({ ...request, pending });
    },
  };
}
