import type { ComparisonResult } from '../results/results.js';
import { type FigureRow, rowsOf } from './figure-row.js';

const verdicts = { true: 'met', false: 'MISSED', undefined: '' } as const;

/** The table at the end of a run, for a terminal; failures are lines of it. */
export function plainTable(results: readonly ComparisonResult[]): string {
  const lines = [
    ['comparison', 'figure', 'goal', 'ratio or value', '', 'ours', "peer's"],
    ...rowsOf(results).map(cellsOf),
    ...results.filter(({ error }) => error !== undefined).map(({ id, error }) => [id, `FAILED: ${error}`]),
  ];
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(...lines.filter((line) => line.length > 2).map((line) => line[column]?.length ?? 0), 0),
  );
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${text.map((line) => line.trimEnd()).join('\n')}\n`;
}

function cellsOf({ result, figure, summary, goal, measured, subject, peer }: FigureRow): string[] {
  return [result.id, figure.name, goal, measured, verdicts[`${summary.met}`], subject, peer];
}
