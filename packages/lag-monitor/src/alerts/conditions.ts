import { clearFor_ms, clearRatio } from '../verdict/budget.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';
import { type BreachRule, type Reading, readingOf } from './breach.js';

export type Severity = 'warn' | 'page';

/** Something that can be wrong, and whether it is now. `key` is stable: it names the alert across restarts. */
export type Condition =
  | {
      readonly kind: 'lag';
      readonly key: string;
      readonly severity: Severity;
      readonly reading: Reading;
      readonly rule: BreachRule;
      readonly level_bytes: number;
      readonly edge: EdgeView;
    }
  | {
      readonly kind: 'stopped';
      readonly key: string;
      readonly severity: 'page';
      readonly reading: Reading;
      readonly rule: BreachRule;
      readonly edge: EdgeView;
    }
  | {
      readonly kind: 'blind';
      readonly key: string;
      readonly severity: 'page';
      readonly reading: Reading;
      readonly rule: BreachRule;
      readonly side: 'leader' | 'log';
      readonly code: string;
      readonly detail: string;
      readonly remedy: string;
    };

/** Fenced services were replaced by a successor that runs: nobody need get up for that. */
const replaced: readonly string[] = ['MR-2009', 'MR-4003'];

/** A stop is loud at once, and over as soon as the service runs again. */
const stopRule: BreachRule = { for_ms: 0, clearFor_ms: 0 };

/** Dead man: a side that cannot be measured for this long, or ten samples if that is longer. */
export const blindFor_ms_min = 30_000;

export const blindRule = (sample_ms: number): BreachRule => ({
  for_ms: Math.max(blindFor_ms_min, 10 * sample_ms),
  clearFor_ms: 0,
});

/**
 * All conditions of a verdict. `firing` tells which alerts are out already: a stopped service's lag is not a second
 * page (one cause, one page), nor is that of a copy in the making; but a lag page that is out keeps its hysteresis.
 */
export function conditionsOf(
  verdict: Verdict,
  sample_ms: number,
  firing: (key: string) => boolean,
): Condition[] {
  const edges = [verdict.capture, ...verdict.followers];
  return [
    ...edges.map(stoppedCondition),
    ...edges.flatMap((edge) => lagConditions(edge, firing)),
    blindCondition(verdict, 'leader', sample_ms),
    blindCondition(verdict, 'log', sample_ms),
  ];
}

function stoppedCondition(edge: EdgeView): Condition {
  const fault = edge.note?.fault;
  const loud = edge.note?.state === 'stopped' && fault !== undefined && !replaced.includes(fault.code);
  return {
    kind: 'stopped',
    key: `${edge.edge}/stopped`,
    severity: 'page',
    reading: edge.note === undefined ? 'unknown' : loud ? 'over' : 'under',
    rule: stopRule,
    edge,
  };
}

function lagConditions(edge: EdgeView, firing: (key: string) => boolean): Condition[] {
  const { budget } = edge;
  if (!budget) return [];
  const stopped = edge.note?.state === 'stopped' && edge.note.fault !== undefined;
  // A copy in the making is late by design; one whose applier is gone is not.
  const explained = stopped || (edge.building && !edge.silent && edge.note?.state !== 'stopped');
  const rule = { for_ms: budget.for_ms, clearFor_ms: clearFor_ms(budget) };
  return (['warn', 'page'] as const).map((severity) => {
    const key = `${edge.edge}/lag/${severity}`;
    const level_bytes = severity === 'warn' ? budget.warn_bytes : budget.page_bytes;
    const reading =
      explained && !firing(key) ? 'unknown' : readingOf(edge.charged_bytes, level_bytes, clearRatio);
    return { kind: 'lag', key, severity, reading, rule, level_bytes, edge };
  });
}

function blindCondition(verdict: Verdict, side: 'leader' | 'log', sample_ms: number): Condition {
  const measured = verdict.sample[side];
  return {
    kind: 'blind',
    key: `monitor/${side}`,
    severity: 'page',
    reading: measured.ok ? 'under' : 'over',
    rule: blindRule(sample_ms),
    side,
    code: measured.ok ? '' : measured.fault.code,
    detail: measured.ok ? '' : measured.fault.detail,
    remedy: measured.ok ? '' : measured.fault.remedy,
  };
}
