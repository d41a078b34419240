import { outerThirds } from './robust.js';
import type { Counts, Settled } from './sampler.js';
import { everyPart } from './scene.js';
import { type Finding, judged, mib, tooShort } from './verdict.js';

/** Above the first quiet look: pools fill, keep-alive connections stay for a while. */
const slack = { fds: 8, sockets: 6, threads: 2, backends: 2, locks: 24, readers: 8 } as const;
/** Room for growth of sizes from the first third to the last. */
const growth_bytes = 24 * 2 ** 20;
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

/** Folders and files come to a size and stay there. The embedded log only: brokers keep a week. */
export function judgeSizes(settled: readonly Settled[], isEmbedded: boolean): Finding[] {
  const sizes: [string, (look: Settled) => number, number][] = [
    ...(isEmbedded
      ? [
          ['the log’s folder', (look) => look.folders.log_bytes, growth_bytes] as [
            string,
            (look: Settled) => number,
            number,
          ],
        ]
      : []),
    ['the lake’s file', ({ folders }) => folders.lake_bytes, growth_bytes],
    ['the lake’s write-ahead log', ({ folders }) => folders.lakeWal_bytes, growth_bytes],
    ['pg_wal of the leader', ({ leader }) => leader.wal_bytes, 2 * growth_bytes],
    ['Millrace’s tables on the follower', ({ follower }) => follower.meta_bytes, metaGrowth_bytes],
  ];
  return sizes.map(([what, of, room]) => {
    const name = `${what} stays of one size`;
    const { first, last } = outerThirds(settled.map(of));
    const detail = `first third at most ${mib(Math.max(0, ...first))} MiB, last ${mib(Math.max(0, ...last))} MiB`;
    if (settled.length < thirds_min) return tooShort(name, detail);
    return judged(name, Math.max(...last) <= Math.max(...first) + room, detail);
  });
}
