import { describe, expect, it } from 'vitest';
import { idOf } from '../comparison/comparison.js';
import { publishedFile } from '../results/files.js';
import { readResults } from '../results/results.js';
import { suite } from '../suite.js';
import { limits } from './limits.js';
import { reportPages } from './pages.js';
import { unexplained } from './summary-page.js';

const ids = suite.map(idOf);

describe('the published figures', () => {
  it('stand in the pages as the results file has them (else: pnpm bench report)', () => {
    for (const { present, generated } of reportPages(ids)) expect(present).toBe(generated);
  });

  it('leave no missed goal without a word on why', () => {
    expect(unexplained(readResults(publishedFile), limits)).toEqual([]);
  });

  it('are of comparisons that differ in their names', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });
});
