import type { AlertEvent } from '../alerts/alert-book.js';
import type { Condition } from '../alerts/conditions.js';
import { formatBytes, formatDuration, formatRate, formatTimeOfDay } from '../quantity.js';
import { clearRatio } from '../verdict/budget.js';
import type { Deadline } from '../verdict/deadline.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';
import { impactOf } from './page-impact.js';

/** The sentences of a page. */
export interface Facts {
  readonly title: string;
  readonly impact: string;
  readonly cause: string | null;
  readonly evidence: string | null;
  /** A sentence. */
  readonly first: string;
  /** Just the command in it. */
  readonly command: string;
  readonly ends: string;
}

/** What a page of this event says, in people's words; `unknown` and null for what nobody can tell. */
export function factsOf(event: AlertEvent, verdict: Verdict, pipeline: string): Facts {
  const { condition } = event;
  const isOver = event.say === 'resolved';
  switch (condition.kind) {
    case 'lag':
      return lagFacts(condition, isOver, verdict, pipeline);
    case 'stopped':
      return stoppedFacts(condition, isOver, verdict, pipeline);
    case 'blind':
      return blindFacts(condition, isOver, pipeline);
  }
}

type Of<K extends Condition['kind']> = Extract<Condition, { kind: K }>;

function lagFacts(condition: Of<'lag'>, isOver: boolean, verdict: Verdict, pipeline: string): Facts {
  const name = arrow(pipeline, condition.edge);
  const command = `millrace explain lag ${pipeline}/${condition.edge.edge}`;
  const { cause, evidence, advice } = causeOfLag(condition.edge);
  const clear_s = condition.rule.clearFor_ms / 1_000;
  return {
    title: isOver
      ? `${name} is back within its budget: ${behind(condition.edge)}.`
      : lagTitle(name, condition),
    impact: impactOf(condition.edge, verdict),
    cause,
    evidence,
    first: `\`${command}\`. Then ${advice}.`,
    command,
    ends: `under ${formatBytes(condition.level_bytes * clearRatio)} for ${formatDuration(clear_s)}`,
  };
}

function stoppedFacts(condition: Of<'stopped'>, isOver: boolean, verdict: Verdict, pipeline: string): Facts {
  const name = arrow(pipeline, condition.edge);
  const fault = condition.edge.note?.fault;
  const command = `millrace explain ${fault?.code ?? 'MR-9001'}`;
  return {
    title: isOver
      ? `${name} runs again, ${behind(condition.edge)}.`
      : `${name} has stopped: ${fault?.code ?? 'unknown'} ${fault?.name ?? ''}, ${behind(condition.edge)}.`,
    impact: impactOf(condition.edge, verdict),
    cause: fault?.name ?? null,
    evidence: withoutStop(fault?.detail ?? null),
    first: `\`${command}\`. Then: ${fault?.remedy ?? 'unknown'}`,
    command,
    ends: `${condition.edge.edge} runs again`,
  };
}

function blindFacts(condition: Of<'blind'>, isOver: boolean, pipeline: string): Facts {
  return {
    title: isOver
      ? `${pipeline}: the monitor can measure the ${condition.side} again.`
      : `${pipeline}: the monitor cannot measure the ${condition.side} (${condition.code}). Lag is unknown.`,
    impact: `whether any follower is within its budget is unknown; replication itself may be fine.`,
    cause: condition.code === '' ? null : `the ${condition.side} does not answer`,
    evidence: condition.detail === '' ? null : withoutStop(condition.detail),
    first: `\`millrace status\`. Then: ${condition.remedy}`,
    command: 'millrace status',
    ends: `the ${condition.side} can be measured again`,
  };
}

const arrow = (pipeline: string, edge: EdgeView): string =>
  edge.kind === 'capture' ? `${pipeline} → log` : `${pipeline} → ${edge.edge}`;

const behind = (edge: EdgeView): string =>
  edge.charged_bytes === undefined ? 'lag unknown' : `${formatBytes(edge.charged_bytes)} behind`;

function lagTitle(name: string, condition: Extract<Condition, { kind: 'lag' }>): string {
  const { edge, level_bytes } = condition;
  return `${name} is ${behind(edge)} (budget ${formatBytes(level_bytes)}), ${growthText(edge.growth_bps)}. ${deadlineText(edge)}`;
}

/** Below this, growth is noise of the sampling. */
const growth_bps_min = 1_024;

function growthText(growth_bps: number | undefined): string {
  if (growth_bps === undefined) return 'growth unknown';
  if (Math.abs(growth_bps) < growth_bps_min) return 'steady';
  return growth_bps > 0 ? `growing ${formatRate(growth_bps)}` : `shrinking ${formatRate(-growth_bps)}`;
}

function deadlineText(edge: EdgeView): string {
  const deadline = edge.deadlines.find(({ resource }) => resource !== 'budget');
  if (!deadline) return 'Deadline unknown.';
  return `${deadlineOf(deadline)} in ~${formatDuration(deadline.seconds)}.`;
}

function deadlineOf(deadline: Deadline): string {
  switch (deadline.resource) {
    case 'slot_limit':
      return 'The leader drops the slot, and with it unread changes,';
    case 'log_retention':
      return deadline.drops
        ? 'The log drops unapplied changes'
        : "The log's room ends: nothing more is published";
    case 'budget':
      return 'The budget is gone';
  }
}

/** The cause as far as the services themselves told it; otherwise what the figures show. */
function causeOfLag(edge: EdgeView): { cause: string | null; evidence: string | null; advice: string } {
  const { note } = edge;
  const who = edge.kind === 'capture' ? 'capture' : `the applier of ${edge.edge}`;
  const start = edge.kind === 'capture' ? '`millrace capture`' : `\`millrace apply ${edge.edge}\``;
  if (note?.fault)
    return {
      cause: `${who} ${note.state === 'stopped' ? 'stopped' : 'waits'}, ${note.fault.code} ${note.fault.name}`,
      evidence: withoutStop(note.fault.detail),
      advice: withoutStop(lowerFirst(note.fault.remedy)) as string,
    };
  if (!note || edge.silent)
    return {
      cause: `${who} ${note ? 'has fallen silent' : 'has never reported'}`,
      evidence: note ? `pid ${note.pid} on ${note.host}, last heard ${formatTimeOfDay(note.beat_ms)}` : null,
      advice: `start ${start} again`,
    };
  if (edge.out_bps !== undefined && edge.out_bps < growth_bps_min)
    return {
      cause: `${who} stands still`,
      evidence: note.doing,
      advice: `look at its log: pid ${note.pid} on ${note.host}`,
    };
  const slower = edge.in_bps !== undefined && edge.out_bps !== undefined && edge.in_bps > edge.out_bps;
  return {
    cause: slower ? `the leader writes faster than ${who} keeps up` : null,
    evidence: slower ? `${formatRate(edge.in_bps)} against ${formatRate(edge.out_bps)}` : null,
    advice: edge.kind === 'capture' ? "look at the leader's load" : `look at ${edge.edge}'s load and locks`,
  };
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

function withoutStop(text: string | null): string | null {
  return text === null ? null : text.replace(/[.\s]+$/, '');
}
