import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ComparisonResult, kept, merge, noResults, readResults, writeResults } from './results.js';

const result = (id: string, error?: string): ComparisonResult => ({
  id,
  tier: 'T1',
  workload: 'W2',
  title: 'narrow',
  subject: 'millrace',
  date: '2026-01-01T00:00:00.000Z',
  commit: 'abc',
  machine: { cpu: 'x', cores: 2, memory_bytes: 1, disk: 'ext4', system: 'linux' },
  versions: {},
  loadBefore: 0,
  pairs: 5,
  scale: 1,
  took_s: 1,
  figures: [],
  ...(error !== undefined && { error }),
});

const ids = ({ comparisons }: { comparisons: readonly ComparisonResult[] }): string[] =>
  comparisons.map(({ id }) => id);

it('keeps the suite’s order, one result per comparison, unknown ones last', () => {
  const order = ['a', 'b', 'c'];
  const all = ['old', 'c', 'a', 'b'].reduce((results, id) => merge(results, result(id), order), noResults);
  expect(ids(all)).toEqual(['a', 'b', 'c', 'old']);
  const again = merge(all, result('b', 'broken'), order);
  expect(ids(again)).toEqual(['a', 'b', 'c', 'old']);
  expect(again.comparisons[1]?.error).toBe('broken');
});

it('lets a failure replace a result, but not an interruption', () => {
  const before = { comparisons: [result('a')] };
  expect(kept(before, result('a', 'slot lost'), false).error).toBe('slot lost');
  expect(kept(before, result('a', 'interrupted'), true).error).toBeUndefined();
  expect(kept(noResults, result('a', 'interrupted'), true).error).toBe('interrupted');
});

it('reads what it wrote, and nothing where nothing was written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-results-'));
  try {
    const path = join(folder, 'deep', 'published.json');
    expect(readResults(path)).toEqual(noResults);
    writeResults(path, { comparisons: [result('a')] });
    expect(readResults(path)).toEqual({ comparisons: [result('a')] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
