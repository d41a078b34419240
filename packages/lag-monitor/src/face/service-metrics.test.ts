import { DurationTally } from '@millrace/runtime';
import { expect, it } from 'vitest';
import type { ServiceNote } from '../board/service-board.js';
import { durationFigures } from '../board/service-figures.js';
import { Judge } from '../verdict/verdict.js';
import { runningNote, sampleOf, wallStart_ms } from '../verdict/verdict.sample.js';
import { serviceMetrics } from './service-metrics.js';

const verdictWith = (figures: Readonly<Record<string, number>>, capture: Readonly<Record<string, number>>) =>
  new Judge([], ['replica', 'quiet']).verdict(
    sampleOf({
      second: 10,
      leader_mib: 10,
      head_mib: 10,
      followers: { replica: 10 },
      notes: [runningNote('replica', 10, { figures }), runningNote('capture', 10, { figures: capture })],
    }),
  );

it('serves what services count as counters and histograms that Prometheus can add up', () => {
  const tally = new DurationTally();
  for (const seconds of [0.02, 0.02, 7, 1_000]) tally.observe(seconds);
  const text = serviceMetrics(
    'shop',
    verdictWith(
      { bytes: 700, ...durationFigures('apply', tally.figures()) },
      { bytes: 900, held_bytes: 5, held_limit_bytes: 36, changes_insert: 3, changes_delete: 0 },
    ),
  );
  expect(text).toContain(
    '# TYPE millrace_changes_total counter\n' +
      'millrace_changes_total{pipeline="shop",op="insert"} 3\n' +
      'millrace_changes_total{pipeline="shop",op="delete"} 0\n',
  );
  expect(text).toContain('millrace_edge_bytes_total{pipeline="shop",edge="capture"} 900\n');
  expect(text).toContain('millrace_edge_bytes_total{pipeline="shop",edge="replica"} 700\n');
  expect(text).toContain('millrace_queue_bytes{pipeline="shop",edge="capture"} 5\n');
  expect(text).toContain('millrace_queue_limit_bytes{pipeline="shop",edge="capture"} 36\n');
  const apply = (line: string): string => `millrace_apply_duration_seconds${line}\n`;
  expect(text).toContain('# TYPE millrace_apply_duration_seconds histogram\n');
  expect(text).toContain(apply('_bucket{pipeline="shop",follower="replica",le="0.01"} 0'));
  expect(text).toContain(apply('_bucket{pipeline="shop",follower="replica",le="0.025"} 2'));
  expect(text).toContain(apply('_bucket{pipeline="shop",follower="replica",le="300"} 3'));
  expect(text).toContain(apply('_bucket{pipeline="shop",follower="replica",le="+Inf"} 4'));
  expect(text).toContain(apply('_sum{pipeline="shop",follower="replica"} 1007.04'));
  expect(text).toContain(apply('_count{pipeline="shop",follower="replica"} 4'));
});

it('has no series, nor the head of one, for what no service tells', () => {
  const text = serviceMetrics('shop', verdictWith({ events: 1 }, {}));
  expect(text).toBe('');
});

it.each<[string, Partial<ServiceNote>]>([
  ['silent', { beat_ms: wallStart_ms }],
  ['stopped', { state: 'stopped' }],
])(
  'keeps the counters of a %s service, but not its gauges: they are of a time that has passed',
  (_, told) => {
    const figures = { bytes: 900, held_bytes: 5, held_limit_bytes: 36 };
    const notes = [
      runningNote('capture', 10, { figures, ...told }),
      runningNote('replica', 10, { figures: { held_bytes: 7 } }),
    ];
    const sample = sampleOf({ second: 10, leader_mib: 10, head_mib: 10, followers: { replica: 10 }, notes });
    const text = serviceMetrics('shop', new Judge([], ['replica']).verdict(sample));
    expect(text).toContain('millrace_edge_bytes_total{pipeline="shop",edge="capture"} 900\n');
    expect(text).toContain('millrace_queue_bytes{pipeline="shop",edge="replica"} 7\n');
    expect(text).not.toMatch(/^millrace_queue_(limit_)?bytes\{[^}]*capture/m);
  },
);
