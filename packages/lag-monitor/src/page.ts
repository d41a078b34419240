import type { AlertEvent } from './alert-book.js';
import { clearRatio } from './budget.js';
import type { Condition } from './conditions.js';
import type { Deadline } from './deadline.js';
import { formatBytes, formatDuration, formatRate, formatTimeOfDay } from './quantity.js';
import type { EdgeView, Verdict } from './verdict.js';

/** Counts up whenever the rules by which pages are raised change. */
export const ruleVersion = 1;

export interface PageLinks {
  readonly runbook_url?: string;
  readonly dashboard_url?: string;
}

export interface PageContext {
  readonly environment: string;
  readonly pipeline: string;
  readonly links: PageLinks;
}

/** The machine-readable form; `null` is unknown. Names as in the documentation of pages. */
export interface PageFields {
  readonly type: 'page' | 'resolve';
  readonly dedup_key: string;
  readonly env: string;
  readonly pipeline: string;
  readonly edge: string;
  readonly lag_bytes: number | null;
  readonly budget_bytes: number | null;
  readonly growth_bps: number | null;
  readonly in_bps: number | null;
  readonly out_bps: number | null;
  readonly deadline_s: number | null;
  readonly deadline_resource: string | null;
  readonly staleness_s: number | null;
  /** RFC 3339. */
  readonly since: string;
  readonly samples_breached: number;
  readonly source_at_risk: boolean | null;
  readonly cause: string | null;
  readonly cause_evidence: string | null;
  readonly first_command: string;
  readonly runbook_url: string | null;
  readonly dashboard_url: string | null;
  readonly resolve_condition: string;
  readonly rule_version: number;
  readonly sampled_at: string;
  /** Fits a lock screen. */
  readonly title: string;
  readonly text: string;
}

/** One page or one resolve, for people and for machines. */
export function pageOf(event: AlertEvent, verdict: Verdict, context: PageContext): PageFields {
  const { condition } = event;
  const edge = condition.kind === 'blind' ? undefined : condition.edge;
  const facts = factsOf(event, verdict, context);
  const deadline = edge?.deadlines[0];
  const resolved = event.say === 'resolved';
  const wall_ms = verdict.sample.at.wall_ms;
  const lines = resolved
    ? [`**${facts.title}**`, `Lasted ${formatDuration((wall_ms - event.since.wall_ms) / 1_000)}.`]
    : [
        `**${facts.title}**`,
        `Impact: ${facts.impact}`,
        sinceLine(event, edge, wall_ms),
        `Likely cause: ${facts.cause === null ? 'unknown' : [facts.cause, facts.evidence].filter((part) => part).join(': ')}.`,
        `First: ${facts.first}`,
        `Ends when ${facts.ends}. ${linksLine(context.links)}`,
      ];
  return {
    type: resolved ? 'resolve' : 'page',
    dedup_key: dedupKey(condition, context),
    env: context.environment,
    pipeline: context.pipeline,
    edge: edge?.edge ?? 'monitor',
    lag_bytes: edge?.charged_bytes ?? null,
    budget_bytes: edge?.budget?.page_bytes ?? null,
    growth_bps: edge?.growth_bps ?? null,
    in_bps: edge?.in_bps ?? null,
    out_bps: edge?.out_bps ?? null,
    deadline_s: deadline?.seconds ?? null,
    deadline_resource: deadline?.resource ?? null,
    staleness_s: edge?.staleness_s ?? null,
    since: new Date(event.since.wall_ms).toISOString(),
    samples_breached: event.samples,
    source_at_risk: sourceAtRisk(verdict) ?? null,
    cause: facts.cause,
    cause_evidence: facts.evidence,
    first_command: facts.command,
    runbook_url: context.links.runbook_url ?? null,
    dashboard_url: context.links.dashboard_url ?? null,
    resolve_condition: facts.ends,
    rule_version: ruleVersion,
    sampled_at: new Date(wall_ms).toISOString(),
    title: facts.title,
    text: lines.join('\n'),
  };
}

/** Same for a page and its resolve, so that receivers pair them. */
export function dedupKey(condition: Condition, context: PageContext): string {
  const [edge, what] = condition.key.split('/');
  return `millrace/${context.environment}/${context.pipeline}/${edge}/${what}`;
}

interface Facts {
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

function factsOf(event: AlertEvent, verdict: Verdict, context: PageContext): Facts {
  const { condition } = event;
  const { pipeline } = context;
  const over = event.say === 'resolved';
  switch (condition.kind) {
    case 'lag': {
      const name = arrow(pipeline, condition.edge);
      const command = `millrace explain lag ${pipeline}/${condition.edge.edge}`;
      const { cause, evidence, advice } = causeOfLag(condition.edge);
      return {
        title: over
          ? `${name} is back within its budget: ${behind(condition.edge)}.`
          : lagTitle(name, condition),
        impact: impactOf(condition.edge, verdict),
        cause,
        evidence,
        first: `\`${command}\`. Then ${advice}.`,
        command,
        ends: `under ${formatBytes(condition.level_bytes * clearRatio)} for ${formatDuration(condition.rule.clearFor_ms / 1_000)}`,
      };
    }
    case 'stopped': {
      const name = arrow(pipeline, condition.edge);
      const fault = condition.edge.note?.fault;
      const command = `millrace explain ${fault?.code ?? 'MR-9001'}`;
      return {
        title: over
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
    case 'blind':
      return {
        title: over
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

function impactOf(edge: EdgeView, verdict: Verdict): string {
  const lost = verdict.sample.leader.ok && verdict.sample.leader.value.slot?.walStatus === 'lost';
  const served =
    edge.kind === 'capture'
      ? 'followers get nothing newer than the log holds'
      : edge.staleness_s === undefined
        ? `how old ${edge.edge}'s data is: unknown`
        : `${edge.edge} serves data ${formatDuration(edge.staleness_s)} old`;
  return `${served}; ${lost ? 'changes are lost' : 'nothing lost'}; ${othersText(edge, verdict)}; ${diskText(verdict)}.`;
}

function othersText(edge: EdgeView, verdict: Verdict): string {
  const late = verdict.followers.filter(
    (other) =>
      other.edge !== edge.edge &&
      (other.note?.state === 'stopped' ||
        (other.charged_bytes !== undefined && other.charged_bytes > (other.budget?.page_bytes ?? Infinity))),
  );
  if (verdict.followers.length < 2) return 'no other followers';
  return late.length === 0
    ? 'other followers fine'
    : `also late: ${late.map((other) => other.edge).join(', ')}`;
}

/** Only what the slot retains threatens the leader's disk, whoever is behind. */
function sourceAtRisk(verdict: Verdict): boolean | undefined {
  if (!verdict.sample.leader.ok) return undefined;
  const { slot, slotKeepLimit_bytes } = verdict.sample.leader.value;
  if (!slot) return false;
  if (slot.walStatus === 'unreserved' || slot.walStatus === 'extended') return true;
  const retained = verdict.slotRetained_bytes;
  if (retained === undefined) return undefined;
  return retained > (slotKeepLimit_bytes ?? unlimitedRetention_bytes);
}

/** With no limit set, a slot that holds this much deserves a look at the disk. */
const unlimitedRetention_bytes = 16 * 2 ** 30;

function diskText(verdict: Verdict): string {
  const atRisk = sourceAtRisk(verdict);
  const slot = `(slot ${formatBytes(verdict.slotRetained_bytes)})`;
  if (atRisk === undefined) return `leader's disk unknown ${slot}`;
  return `leader's disk ${atRisk ? 'at risk' : 'not at risk'} ${slot}`;
}

function sinceLine(event: AlertEvent, edge: EdgeView | undefined, wall_ms: number): string {
  const lasted = formatDuration((wall_ms - event.since.wall_ms) / 1_000);
  const head =
    event.condition.kind === 'lag'
      ? `Since ${formatTimeOfDay(event.since.wall_ms)}; over budget for ${lasted}.`
      : `Since ${formatTimeOfDay(event.since.wall_ms)}, for ${lasted}.`;
  const verb = edge?.kind === 'capture' ? 'published' : 'applied';
  return edge ? `${head} In ${formatRate(edge.in_bps)}, ${verb} ${formatRate(edge.out_bps)}.` : head;
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

function linksLine(links: PageLinks): string {
  return `Runbook ${links.runbook_url ?? 'unknown'} · Dashboard ${links.dashboard_url ?? 'unknown'}`;
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

function withoutStop(text: string | null): string | null {
  return text === null ? null : text.replace(/[.\s]+$/, '');
}
