import { loadavg } from 'node:os';
import type { Comparison, RunOptions } from './comparison/comparison.js';
import { idOf } from './comparison/comparison.js';
import { commitId, thisMachine } from './results/machine.js';
import { type ComparisonResult, headOf } from './results/results.js';

/** Runs one comparison. A failure is a result, too: its error, and no figures. */
export async function runComparison(comparison: Comparison, asked: RunOptions): Promise<ComparisonResult> {
  const options = { ...asked, scale: asked.scale * (comparison.share ?? 1) };
  const started = performance.now();
  const head = {
    ...headOf(comparison, idOf(comparison)),
    date: new Date().toISOString(),
    commit: commitId(),
    machine: thisMachine(),
    loadBefore: loadavg()[0] ?? 0,
    pairs: options.pairs,
    scale: options.scale,
  };
  const versions = { node: process.version };
  const took = () => Math.round((performance.now() - started) / 1000);
  try {
    const measured = await comparison.measure(options);
    return { ...head, took_s: took(), ...measured, versions: { ...versions, ...measured.versions } };
  } catch (error) {
    return { ...head, took_s: took(), versions, figures: [], error: inWords(error) };
  }
}

/** An error with its causes, without stacks. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${inWords(error.cause)})`;
}
