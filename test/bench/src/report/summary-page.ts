import type { Results } from '../results/results.js';
import { type FigureRow, rowsOf } from './figure-row.js';
import { markdownTable } from './markdown.js';

/** Goals that were missed and have no explanation in `limits`, by their keys. */
export function unexplained({ comparisons }: Results, limits: Readonly<Record<string, string>>): string[] {
  return missed(rowsOf(comparisons))
    .map(({ key }) => key)
    .filter((key) => limits[key] === undefined);
}

/** What the front page shows: every figure with a goal, and why the missed ones were missed. */
export function summaryPage({ comparisons }: Results, limits: Readonly<Record<string, string>>): string {
  const rows = rowsOf(comparisons).filter(({ figure }) => figure.goal);
  if (rows.length === 0) return 'No published run yet.';
  const table = markdownTable(
    ['comparison', 'figure', 'goal', 'measured: median (range)', ''],
    rows.map(({ result, figure, goal, measured, summary }) => [
      result.id,
      figure.name,
      goal,
      measured,
      summary.met ? 'met' : '**missed**',
    ]),
  );
  return [table, ...explanations(rows, limits)].join('\n\n');
}

/** One list of the missed goals; nothing when all are met. */
export function explanations(rows: readonly FigureRow[], limits: Readonly<Record<string, string>>): string[] {
  const lines = missed(rows).map(({ key }) => `- ${key}: ${limits[key] ?? 'not explained'}`);
  return lines.length === 0 ? [] : [`Missed:\n\n${lines.join('\n')}`];
}

const missed = (rows: readonly FigureRow[]): FigureRow[] =>
  rows.filter(({ summary }) => summary.met === false);
