import { describe, expect, it } from 'vitest';
import { atMost, ratioAtLeast } from '../comparison/figure.js';
import type { ComparisonResult } from '../results/results.js';
import { fullPage } from './full-page.js';
import { placed } from './markdown.js';
import { plainTable } from './plain-table.js';
import { quantity, spread } from './quantity.js';
import { summaryPage, unexplained } from './summary-page.js';

const id = 'T1 W2: millrace / pg_recvlogical';
const measured: ComparisonResult = {
  id,
  tier: 'T1',
  workload: 'W2',
  title: '1,000 narrow inserts',
  subject: 'millrace',
  peer: 'pg_recvlogical',
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abc',
  machine: { cpu: 'Fast', cores: 2, memory_bytes: 8 * 1024 ** 3, disk: 'ext4', system: 'linux' },
  versions: { node: 'v20.0.0' },
  loadBefore: 0.12,
  pairs: 3,
  scale: 1,
  took_s: 60,
  figures: [
    {
      name: 'drain rate',
      unit: 'events/s',
      goal: ratioAtLeast(0.95),
      samples: { subject: [95_000, 98_000, 99_000], peer: [100_000, 100_000, 100_000] },
    },
    { name: 'CPU', unit: 's', goal: atMost(0.8), samples: { subject: [0.9, 1, 1.1] } },
    { name: 'peak memory', unit: 'bytes', samples: { subject: [50_000_000] } },
  ],
  described: { subject: 'this tree', peer: 'version 18' },
};
const results = { comparisons: [measured] };
const cpuKey = `${id}: CPU`;

describe('quantities', () => {
  it('have three digits, and the unit once', () => {
    expect(quantity(0.0123, 's')).toBe('0.012 s');
    expect(quantity(0.95)).toBe('0.95');
    expect(quantity(123_456, 'events/s')).toBe('123 k events/s');
    expect(quantity(51_234_567, 'bytes')).toBe('51.2 MB');
    expect(spread({ median: 98_000, min: 9_500, max: 99_000 }, 'events/s')).toBe(
      '98.0 k events/s (9.50 – 99.0)',
    );
  });
});

describe('the front page', () => {
  it('shows every figure that has a goal, and why missed ones were missed', () => {
    const page = summaryPage(results, { [cpuKey]: 'objects per row' });
    expect(page).toBe(`| comparison | figure | goal | measured: median (range) |  |
|---|---|---|---|---|
| ${id} | drain rate | ≥ 0.95 | 0.98 (0.95 – 0.99) | met |
| ${id} | CPU | ≤ 0.80 s | 1.00 s (0.90 – 1.10) | **missed** |

Missed:

- ${cpuKey}: objects per row`);
  });

  it('names the missed goals that nobody explained', () => {
    expect(unexplained(results, {})).toEqual([cpuKey]);
    expect(unexplained(results, { [cpuKey]: 'objects per row' })).toEqual([]);
  });

  it('says so when nothing was published', () => {
    expect(summaryPage({ comparisons: [] }, {})).toBe('No published run yet.');
  });
});

describe('the full page', () => {
  it('shows both sides, failures, what is missing, and where it was measured', () => {
    const failed = { ...measured, id: 'T1 W3: x', workload: 'W3', figures: [], error: 'slot lost' };
    const page = fullPage({ comparisons: [measured, failed] }, {}, [id, 'T4 W1: y']);
    expect(page).toContain(
      '| W2 | drain rate | millrace | 98.0 k events/s (95.0 – 99.0) | pg_recvlogical | 100 k events/s (100 – 100) | 0.98 (0.95 – 0.99) | ≥ 0.95 | met |',
    );
    expect(page).toContain('- T1 W3: x failed: slot lost');
    expect(page).toContain('Not measured yet: T4 W1: y.');
    expect(page).toContain('Fast, 2 cores, 8 GiB, ext4, linux; node v20.0.0');
    expect(page).toContain(`- ${id}: 2026-01-02, commit abc, 3 pairs, load before 0.12`);
  });
});

it('a terminal gets the same figures in columns', () => {
  const lines = plainTable([measured, { ...measured, figures: [], error: 'slot lost' }]).split('\n');
  expect(lines[1]).toMatch(/drain rate +≥ 0\.95 +0\.98 \(0\.95 – 0\.99\) +met/);
  expect(lines[4]).toBe(`${id} FAILED: slot lost`);
});

it('a page keeps what stands around its markers', () => {
  const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
  expect(placed(page, 'new')).toBe('before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n');
  expect(() => placed('nothing here', 'new')).toThrow('lacks');
});
