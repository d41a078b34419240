import { type Figure, type FigureSummary, type Goal, summariseFigure } from '../comparison/figure.js';
import type { ComparisonResult } from '../results/results.js';
import { quantity, spread } from './quantity.js';

/** A line of every table. */
export interface FigureRow {
  /** Unique: comparison and figure. Explanations of missed goals are found by it. */
  readonly key: string;
  readonly result: ComparisonResult;
  readonly figure: Figure;
  readonly summary: FigureSummary;
  /** `≥ 0.95`, `≤ 0.80 s`; empty without a goal. */
  readonly goal: string;
  /** What the goal speaks of, or the ratio where there is one: `0.98 (0.95 – 1.01)`. */
  readonly measured: string;
  /** Both sides and their ratio, each as median and range. */
  readonly subject: string;
  readonly peer: string;
  readonly ratio: string;
}

export function rowsOf(results: readonly ComparisonResult[]): FigureRow[] {
  return results.flatMap((result) => result.figures.map((figure) => rowOf(result, figure)));
}

function rowOf(result: ComparisonResult, figure: Figure): FigureRow {
  const summary = summariseFigure(figure);
  const subject = spread(summary.subject, figure.unit);
  const ratio = spread(summary.ratio);
  const ofRatio = figure.goal ? figure.goal.of === 'ratio' : summary.ratio !== undefined;
  return {
    key: `${result.id}: ${figure.name}`,
    result,
    figure,
    summary,
    goal: figure.goal ? goalInWords(figure.goal, figure.unit) : '',
    measured: ofRatio ? ratio : subject,
    subject,
    peer: spread(summary.peer, figure.unit),
    ratio,
  };
}

function goalInWords({ of, relation, value }: Goal, unit: string): string {
  return `${relation} ${of === 'ratio' ? quantity(value) : quantity(value, unit)}`;
}
