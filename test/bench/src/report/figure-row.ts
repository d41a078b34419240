import { type Figure, type FigureSummary, type Goal, summariseFigure } from '../comparison/figure.js';
import type { Summary } from '../measure/statistics.js';
import type { ComparisonResult } from '../results/results.js';
import { inUnit, significant } from './quantity.js';

/** A line of every table. */
export interface FigureRow {
  /** Unique: comparison and figure. Explanations of missed goals are found by it. */
  readonly key: string;
  readonly result: ComparisonResult;
  readonly figure: Figure;
  readonly summary: FigureSummary;
  /** `≥ 0.95`, `≤ 0.80 s`; empty without a goal. */
  readonly goal: string;
  /** What the goal speaks of: `0.98 (0.95–1.01)`. */
  readonly measured: string;
  readonly subject: string;
  readonly peer: string;
}

export function rowsOf(results: readonly ComparisonResult[]): FigureRow[] {
  return results.flatMap((result) => result.figures.map((figure) => rowOf(result, figure)));
}

function rowOf(result: ComparisonResult, figure: Figure): FigureRow {
  const summary = summariseFigure(figure);
  const plain = (value: number) => significant(value);
  const unit = (value: number) => inUnit(value, figure.unit);
  const subject = inWords(summary.subject, unit);
  const ratio = inWords(summary.ratio, plain);
  const ofRatio = figure.goal ? figure.goal.of === 'ratio' : summary.ratio !== undefined;
  return {
    key: `${result.id}: ${figure.name}`,
    result,
    figure,
    summary,
    goal: figure.goal ? goalInWords(figure.goal, figure.unit) : '',
    measured: ofRatio ? ratio : subject,
    subject,
    peer: inWords(summary.peer, unit),
  };
}

function goalInWords({ of, relation, value }: Goal, unit: string): string {
  return `${relation} ${of === 'ratio' ? significant(value) : inUnit(value, unit)}`;
}

function inWords(summary: Summary | undefined, format: (value: number) => string): string {
  if (!summary) return '';
  return `${format(summary.median)} (${format(summary.min)} – ${format(summary.max)})`;
}
