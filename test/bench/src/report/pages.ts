import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { publishedFile } from '../results/files.js';
import { readResults } from '../results/results.js';
import { fullPage } from './full-page.js';
import { limits } from './limits.js';
import { placed } from './markdown.js';
import { summaryPage } from './summary-page.js';

const benchFolder = new URL('../../', import.meta.url);

/** A page of the repository that shows figures: as it is, and as the published results would have it. */
export interface ReportPage {
  readonly path: string;
  readonly present: string;
  readonly generated: string;
}

/** The front page and the bench's own. `suite`: ids of all comparisons. */
export function reportPages(suite: readonly string[]): ReportPage[] {
  const results = readResults(publishedFile);
  return [
    page(new URL('../../README.md', benchFolder), summaryPage(results, limits)),
    page(new URL('README.md', benchFolder), fullPage(results, limits, suite)),
  ];
}

function page(url: URL, content: string): ReportPage {
  const present = readFileSync(url, 'utf8');
  return { path: fileURLToPath(url), present, generated: placed(present, content) };
}

/** Writes the pages that differ from their results; says which. */
export function writePages(suite: readonly string[]): string[] {
  const stale = reportPages(suite).filter(({ present, generated }) => present !== generated);
  for (const { path, generated } of stale) writeFileSync(path, generated);
  return stale.map(({ path }) => path);
}
