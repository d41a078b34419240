import { describe, expect, it } from 'vitest';
import { judgeLatency, type LatencyFigures, latencyBetween } from './latency-verdict.js';
import { judgeCounts, judgeSizes } from './leak-verdict.js';
import { figuresOf, judgeMemory } from './memory-verdict.js';
import { judgePages, type PageNews } from './pages-verdict.js';
import type { Lifetime, Settled } from './sampler.js';
import type { Finding } from './verdict.js';

const mib = 2 ** 20;
const failed = (findings: readonly Finding[]): string[] =>
  findings.filter(({ verdict }) => verdict === 'failed').map(({ what }) => what);

/** 25 minutes of a process whose memory is `rss` and whose live heap is `heap` MiB at second n. */
function lifeOf(rss: (n: number) => number, heap: (n: number) => number): Lifetime {
  const seconds = Array.from({ length: 1_500 }, (_, n) => n);
  return {
    part: 'lake',
    pid: 7,
    samples: seconds.map((n) => ({ at_s: n, rss_bytes: rss(n) * mib, fds: 9, sockets: 2, threads: 11 })),
    heaps: seconds
      .filter((n) => n % 30 === 5)
      .map((n) => ({ at_s: n, heap_bytes: heap(n) * mib, external_bytes: 0 })),
  };
}

describe('memory', () => {
  const noise = (n: number): number => (n % 13 === 0 ? 9 : n % 5);
  const ofLake = (life: Lifetime): string[] => failed(judgeMemory([figuresOf(life)]));

  it('is flat though it fills up first and is noisy', () => {
    expect(
      ofLake(
        lifeOf(
          (n) => 80 + Math.min(40, n / 3) + noise(n),
          () => 20,
        ),
      ),
    ).toEqual([]);
  });

  it('is not flat with 30 bytes of live heap more per millisecond', () => {
    expect(
      ofLake(
        lifeOf(
          (n) => 80 + noise(n),
          (n) => 20 + (n * 30_000) / mib,
        ),
      ),
    ).toEqual(['memory of lake is flat']);
  });

  it('is not flat with resident memory that grows outside of the heap', () => {
    expect(
      ofLake(
        lifeOf(
          (n) => 80 + n / 40 + noise(n),
          () => 20,
        ),
      ),
    ).toEqual(['memory of lake is flat']);
  });

  it('is too high at a peak of a second', () => {
    expect(
      ofLake(
        lifeOf(
          (n) => (n === 400 ? 500 : 80),
          () => 20,
        ),
      ),
    ).toEqual(['memory of lake stays below 384 MiB']);
  });

  it('of a short life is not judged', () => {
    const { samples, ...life } = lifeOf(
      (n) => 80 + n,
      () => 20,
    );
    const short = figuresOf({ ...life, samples: samples.slice(0, 300) });
    expect(short.rss_mibPerHour).toBeNull();
  });
});

describe('latency', () => {
  const run_s = 720;
  const intervals = (p50: (n: number) => number, commit: (n: number) => number = () => 2): LatencyFigures[] =>
    Array.from({ length: 12 }, (_, n) => {
      const figures = { probes: 200, p50_ms: p50(n), p99_ms: p50(n) * 4 };
      return { ...figures, max_ms: 9_000, quiet: { ...figures, commit_p50_ms: commit(n) } };
    });

  it('is flat with a bad minute, and is not when the last third is slower', () => {
    expect(
      failed(
        judgeLatency(
          intervals((n) => (n === 11 ? 900 : 40)),
          run_s,
        ),
      ),
    ).toEqual([]);
    expect(
      failed(
        judgeLatency(
          intervals((n) => 40 + n * 10),
          run_s,
        ),
      ),
    ).toHaveLength(2);
  });

  it('may rise with what a commit on the leader takes: the machine is busier', () => {
    const busier = (n: number): number => 1 + n / 4;
    expect(
      failed(
        judgeLatency(
          intervals((n) => 40 * busier(n), busier),
          run_s,
        ),
      ),
    ).toEqual([]);
  });

  it('leaves out what faults and looks disturbed', () => {
    const seen = [10, 20, 30, 40].map((at) => ({ committed_ms: at, latency_ms: at, commit_ms: at / 10 }));
    const { max_ms, quiet } = latencyBetween(seen, { from_ms: 15, to_ms: 45 }, [{ from_ms: 35, to_ms: 50 }]);
    expect(max_ms).toBe(40);
    expect(quiet).toEqual({ probes: 2, p50_ms: 20, p99_ms: 30, commit_p50_ms: 2 });
  });
});

/** What a settled pipeline holds, and what else at look n. */
function lookOf(n: number, changed: Partial<Settled> = {}): Settled {
  const counts = { fds: 28, sockets: 4, threads: 11 };
  return {
    at_s: n * 60,
    processes: { capture: counts, replica: counts, lake: counts, monitor: counts },
    leader: { backends: 3, slots: 2, wal_bytes: 64 * mib, retained_bytes: mib },
    follower: { backends: 3, locks: 0, prepared: 0, meta_bytes: mib },
    folders: { log_bytes: 40 * mib, lake_bytes: 6 * mib, lakeWal_bytes: 4 * mib, temporary: 0 },
    readers: { living: 1, dead: 0 },
    ...changed,
  };
}

describe('counts and sizes', () => {
  const looks = (change: (n: number) => Partial<Settled>): Settled[] =>
    Array.from({ length: 12 }, (_, n) => lookOf(n, change(n)));
  const found = (change: (n: number) => Partial<Settled>): string[] => [
    ...failed(judgeCounts(looks(change))),
    ...failed(judgeSizes(looks(change), true)),
  ];

  it('return to what they were', () => {
    expect(found(() => ({}))).toEqual([]);
  });

  it.each<[string, (n: number) => Partial<Settled>]>([
    [
      'fds of replica return to their base',
      (n) => ({ processes: { ...lookOf(n).processes, replica: { fds: 28 + n, sockets: 4, threads: 11 } } }),
    ],
    [
      'backends on the leader return to their base',
      (n) => ({ leader: { ...lookOf(n).leader, backends: 3 + n } }),
    ],
    [
      'slots on the leader return to their base',
      (n) => ({ leader: { ...lookOf(n).leader, slots: n === 5 ? 3 : 2 } }),
    ],
    [
      'temporary files return to their base',
      (n) => ({ folders: { ...lookOf(n).folders, temporary: n === 0 ? 0 : 1 } }),
    ],
    ['readers of dead processes return to their base', (n) => ({ readers: { living: 1, dead: n } })],
    ['the slot keeps little', (n) => ({ leader: { ...lookOf(n).leader, retained_bytes: n * 20 * mib } })],
    [
      'the log’s folder stays below 256 MiB',
      (n) => ({ folders: { ...lookOf(n).folders, log_bytes: n * 30 * mib } }),
    ],
    [
      'the lake’s file: of one size',
      (n) => ({ folders: { ...lookOf(n).folders, lake_bytes: n * 10 * mib } }),
    ],
  ])('or not: %s', (what, change) => {
    expect(found(change)).toEqual([what]);
  });
});

describe('pages', () => {
  const news = (...said: string[]): PageNews[] =>
    said.map((each) => ({
      type: each.startsWith('-') ? 'resolve' : 'page',
      key: each.replace('-', ''),
      title: '',
    }));

  it('are resolved one by one, however often they were said', () => {
    expect(failed(judgePages(news('a', 'b', 'a', '-a', '-b', 'a', '-a')))).toEqual([]);
  });

  it('stay open, or are resolved without having been raised', () => {
    expect(failed(judgePages(news('a', '-b')))).toEqual([
      'no page stays open',
      'no resolve without its page',
    ]);
  });
});
