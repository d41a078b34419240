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
      /** Code of the fault; undefined unless it is stopped by one that pages. */
      readonly about: string | undefined;
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

/** A stop is loud at once, and over as soon as the service works again. */
const stopRule: BreachRule = { for_ms: 0, clearFor_ms: 0 };

/** Dead man: a side that cannot be measured for this long, or ten samples if that is longer. */
export const blindFor_ms_min = 30_000;

export const blindRule = (sample_ms: number): BreachRule => ({
  for_ms: Math.max(blindFor_ms_min, 10 * sample_ms),
  clearFor_ms: 0,
});

/**
 * All conditions of a verdict. `firing` tells which alerts are out already: the lag of a service whose stop is out is not a
 * second page (one cause, one page), nor is that of a copy in the making; but a lag page that is out keeps its hysteresis.
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

const stoppedKey = (edge: EdgeView): string => `${edge.edge}/stopped`;

function stoppedCondition(edge: EdgeView): Condition {
  return {
    kind: 'stopped',
    key: stoppedKey(edge),
    severity: 'page',
    reading: stopReading(edge),
    rule: stopRule,
    about: loudStop(edge),
    edge,
  };
}

/** Code of the fault on which a service has stopped, if that is for somebody to mend. */
function loudStop({ note }: EdgeView): string | undefined {
  const code = note?.state === 'stopped' ? note.fault?.code : undefined;
  return code === undefined || replaced.includes(code) ? undefined : code;
}

/**
 * Only work ends a stop. A service that starts may meet its fault again, one that was ended on request does not run, and what
 * a fenced process says last says nothing of its successor: all of these neither page nor take a page back.
 */
function stopReading(edge: EdgeView): Reading {
  switch (edge.note?.state) {
    case undefined:
      return 'unknown';
    case 'running':
    case 'waiting':
      return 'under';
    case 'starting':
      return 'between';
    case 'stopped':
      return loudStop(edge) === undefined ? 'between' : 'over';
  }
}

/** Whether its lag has a cause that is told already, or is meant to be. */
function isExplained(edge: EdgeView, firing: (key: string) => boolean): boolean {
  const stop = stopReading(edge);
  if (stop === 'over' || (stop === 'between' && firing(stoppedKey(edge)))) return true;
  // A copy in the making is late by design; one at which nobody works is not.
  const works = edge.note?.state === 'running' || edge.note?.state === 'starting';
  return edge.building && works && !edge.silent;
}

function lagConditions(edge: EdgeView, firing: (key: string) => boolean): Condition[] {
  const { budget } = edge;
  if (!budget) return [];
  const explained = isExplained(edge, firing);
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
