import { outerThirds } from './robust.js';
import type { Counts, Settled } from './sampler.js';
import { everyPart } from './scene.js';
import { type Finding, judged, mib, tooShort } from './verdict.js';

/** Above the first quiet look: pools fill, keep-alive connections stay for a while. */
const slack = { fds: 8, sockets: 6, threads: 2, backends: 2, locks: 24, readers: 8 } as const;
/** Room for growth of sizes from the first third to the last. */
const growth_bytes = 32 * 2 ** 20;
/**
 * Retention keeps 32 MiB and 20 s, and what gathers while a look keeps the lake's applier away, a minute or two; freed pages of LMDB
 * are used again, not given back.
 */
const log_bytes_max = 256 * 2 ** 20;
const wal_bytes_max = 512 * 2 ** 20;
const lakeWal_bytes_max = 64 * 2 ** 20;
const metaGrowth_bytes = 4 * 2 ** 20;
const retained_bytes_max = 48 * 2 ** 20;
const thirds_min = 9;

/** Nothing leaks during the run: after each fault, counts are what they were before the first. */
export function judgeCounts(settled: readonly Settled[]): Finding[] {
  const [base, ...later] = settled;
  if (!base || later.length === 0) return [tooShort('counts return to their base', 'there was no fault')];
  const most = (of: (look: Settled) => number): number => Math.max(...later.map(of));
  const count = (what: string, of: (look: Settled) => number, room: number): Finding =>
    judged(
      `${what} return to their base`,
      most(of) <= of(base) + room,
      `${of(base)} before, at most ${most(of)} after a fault`,
    );
  const ofProcess = (part: string, field: keyof Counts) => (look: Settled) =>
    look.processes[part]?.[field] ?? 0;
  return [
    ...everyPart.flatMap((part) =>
      (['fds', 'sockets', 'threads'] as const).map((field) =>
        count(`${field} of ${part}`, ofProcess(part, field), slack[field]),
      ),
    ),
    count('backends on the leader', ({ leader }) => leader.backends, slack.backends),
    count('slots on the leader', ({ leader }) => leader.slots, 0),
    count('backends on the follower', ({ follower }) => follower.backends, slack.backends),
    count('locks on the follower', ({ follower }) => follower.locks, slack.locks),
    count('prepared transactions on the follower', ({ follower }) => follower.prepared, 0),
    count('temporary files', ({ folders }) => folders.temporary, 0),
    count('readers of the log', ({ readers }) => readers.living, slack.readers),
    count('readers of dead processes', ({ readers }) => readers.dead, slack.readers),
    judged(
      'the slot keeps little',
      most(({ leader }) => leader.retained_bytes) <= retained_bytes_max,
      `at most ${mib(most(({ leader }) => leader.retained_bytes))} MiB after a fault`,
    ),
  ];
}

/** Folders and files: bounded, and of one size from the first third to the last where nothing fills up slowly. */
export function judgeSizes(settled: readonly Settled[], isEmbedded: boolean): Finding[] {
  const most = (of: (look: Settled) => number): number => Math.max(0, ...settled.map(of));
  const bounded = (what: string, of: (look: Settled) => number, bytes_max: number): Finding =>
    judged(
      `${what} stays below ${mib(bytes_max)} MiB`,
      most(of) <= bytes_max,
      `at most ${mib(most(of))} MiB`,
    );
  return [
    // Brokers keep a week: only the embedded log trims while one watches.
    ...(isEmbedded ? [bounded('the log’s folder', ({ folders }) => folders.log_bytes, log_bytes_max)] : []),
    bounded('pg_wal of the leader', ({ leader }) => leader.wal_bytes, wal_bytes_max),
    bounded('the lake’s write-ahead log', ({ folders }) => folders.lakeWal_bytes, lakeWal_bytes_max),
    steady(
      'the lake’s file',
      settled.map(({ folders }) => folders.lake_bytes),
      growth_bytes,
    ),
    steady(
      'Millrace’s tables on the follower',
      settled.map(({ follower }) => follower.meta_bytes),
      metaGrowth_bytes,
    ),
  ];
}

function steady(what: string, sizes: readonly number[], room: number): Finding {
  const name = `${what}: of one size`;
  const { first, last } = outerThirds(sizes);
  const detail = `first third at most ${mib(Math.max(0, ...first))} MiB, last ${mib(Math.max(0, ...last))} MiB`;
  if (sizes.length < thirds_min) return tooShort(name, detail);
  return judged(name, Math.max(...last) <= Math.max(...first) + room, detail);
}
