import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Comparison, Tier } from '../comparison/comparison.js';
import type { Figure } from '../comparison/figure.js';
import type { Machine } from './machine.js';

/** What the results file keeps of one comparison: its last run. */
export interface ComparisonResult {
  readonly id: string;
  readonly tier: Tier;
  readonly workload: string;
  readonly title: string;
  readonly subject: string;
  readonly peer?: string;
  /** Start, ISO 8601. */
  readonly date: string;
  /** The commit that was measured; `+` when the tree differed from it. */
  readonly commit: string;
  readonly machine: Machine;
  /** `node`, and what else everybody used. */
  readonly versions: Readonly<Record<string, string>>;
  /** Load average of the minute before it began: others' work, which a published run should not have. */
  readonly loadBefore: number;
  readonly pairs: number;
  readonly scale: number;
  /** How long the comparison took, filling included. */
  readonly took_s: number;
  /** Empty after a failure. */
  readonly figures: readonly Figure[];
  readonly described?: { readonly subject: string; readonly peer?: string };
  readonly details?: unknown;
  /** Why there are no figures. */
  readonly error?: string;
}

/** A results file: one result per comparison, in the suite's order. */
export interface Results {
  readonly comparisons: readonly ComparisonResult[];
}

export const noResults: Results = { comparisons: [] };

/** A file that is not there holds no results. */
export function readResults(path: string): Results {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noResults;
    throw error;
  }
}

/** Whole or not at all: an interrupted run must not spoil what others measured. */
export function writeResults(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** Puts `result` in place of the former one of its comparison; those that `order` does not know come last. */
export function merge(results: Results, result: ComparisonResult, order: readonly string[]): Results {
  const others = results.comparisons.filter(({ id }) => id !== result.id);
  const place = ({ id }: ComparisonResult): number =>
    (order.indexOf(id) + order.length + 1) % (order.length + 1);
  return { comparisons: [...others, result].toSorted((a, b) => place(a) - place(b)) };
}

/** What is to stand in the file: an interruption must not cost a result that was there before. */
export function kept(results: Results, result: ComparisonResult, interrupted: boolean): ComparisonResult {
  if (!interrupted || result.error === undefined) return result;
  return results.comparisons.find(({ id }) => id === result.id) ?? result;
}

/** What every result repeats of its comparison. */
export function headOf(
  comparison: Comparison,
  id: string,
): Pick<ComparisonResult, 'id' | 'tier' | 'workload' | 'title' | 'subject' | 'peer'> {
  const { tier, workload, title, subject, peer } = comparison;
  return { id, tier, workload, title, subject, ...(peer !== undefined && { peer }) };
}
