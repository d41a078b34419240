import { type Pairs, ratios } from '../measure/pairs.js';
import { type Summary, summarise } from '../measure/statistics.js';

/** What the figure must be for us to be content. */
export interface Goal {
  /** The ratio subject / peer, pair by pair, or the subject's own value in the figure's unit. */
  readonly of: 'ratio' | 'subject';
  readonly relation: '≥' | '≤';
  readonly value: number;
}

export const ratioAtLeast = (value: number): Goal => ({ of: 'ratio', relation: '≥', value });
export const ratioAtMost = (value: number): Goal => ({ of: 'ratio', relation: '≤', value });
export const atLeast = (value: number): Goal => ({ of: 'subject', relation: '≥', value });
export const atMost = (value: number): Goal => ({ of: 'subject', relation: '≤', value });

/** One figure of a comparison, with every sample: what the results file keeps. */
export interface Figure {
  /** `drain rate`, `CPU per million events`, `commit to visible, p99`: unique in its comparison. */
  readonly name: string;
  /** `events/s`, `s`, `ms`, `bytes`, `% of a core`. */
  readonly unit: string;
  readonly goal?: Goal;
  readonly samples: { readonly subject: readonly number[]; readonly peer?: readonly number[] };
}

/** Median and range of both sides and of the pairs' ratios, and the verdict by the median. */
export interface FigureSummary {
  readonly subject: Summary | undefined;
  readonly peer: Summary | undefined;
  readonly ratio: Summary | undefined;
  /** Undefined without a goal. */
  readonly met: boolean | undefined;
}

/** A figure whose two sides were measured in pairs. */
export function pairedFigure(
  name: string,
  unit: string,
  samples: Pairs<number>,
  goal: Goal | undefined,
): Figure {
  return { name, unit, ...(goal && { goal }), samples };
}

/** A peer of whose samples all are 0 has not what is measured, a process of ours say: there is nothing to compare with. */
export function summariseFigure({ samples, goal }: Figure): FigureSummary {
  const { subject } = samples;
  const peer = samples.peer?.some((sample) => sample !== 0) ? samples.peer : undefined;
  const summaries = {
    subject: summarise(subject),
    peer: peer && summarise(peer),
    ratio: peer && summarise(ratios({ subject, peer })),
  };
  return { ...summaries, met: goal && isMet(goal, summaries[goal.of]) };
}

/** Compared unrounded; nothing measured is not met. */
function isMet({ relation, value }: Goal, measured: Summary | undefined): boolean {
  if (!measured) return false;
  return relation === '≥' ? measured.median >= value : measured.median <= value;
}
