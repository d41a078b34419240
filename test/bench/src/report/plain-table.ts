import type { ComparisonResult } from '../results/results.js';
import { type FigureRow, rowsOf } from './figure-row.js';

const verdicts = { true: 'met', false: 'MISSED', undefined: '' } as const;
const head = ['comparison', 'figure', 'goal', 'measured', '', 'subject', 'peer'];

/** The table at the end of a run, for a terminal; failures stand beneath it. */
export function plainTable(results: readonly ComparisonResult[]): string {
  const lines = [head, ...rowsOf(results).map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const failures = results.flatMap(({ id, error }) =>
    error === undefined ? [] : [`${id} FAILED: ${error}`],
  );
  return `${[...table, ...failures].join('\n')}\n`;
}

function cellsOf({ result, figure, summary, goal, measured, subject, peer }: FigureRow): string[] {
  return [result.id, figure.name, goal, measured, verdicts[`${summary.met}`], subject, peer];
}
