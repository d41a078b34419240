import type { AlertEvent } from '../alerts/alert-book.js';
import type { Condition } from '../alerts/conditions.js';
import { formatDuration, formatRate, formatTimeOfDay } from '../quantity.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';
import { factsOf } from './page-facts.js';
import { sourceAtRisk } from './page-impact.js';

/** Counts up whenever the rules by which pages are raised change. */
export const ruleVersion = 2;

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
  const facts = factsOf(event, verdict, context.pipeline);
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

function sinceLine(event: AlertEvent, edge: EdgeView | undefined, wall_ms: number): string {
  const lasted = formatDuration((wall_ms - event.since.wall_ms) / 1_000);
  const head =
    event.condition.kind === 'lag'
      ? `Since ${formatTimeOfDay(event.since.wall_ms)}; over budget for ${lasted}.`
      : `Since ${formatTimeOfDay(event.since.wall_ms)}, for ${lasted}.`;
  const verb = edge?.kind === 'capture' ? 'published' : 'applied';
  return edge ? `${head} In ${formatRate(edge.in_bps)}, ${verb} ${formatRate(edge.out_bps)}.` : head;
}

function linksLine(links: PageLinks): string {
  return `Runbook ${links.runbook_url ?? 'unknown'} · Dashboard ${links.dashboard_url ?? 'unknown'}`;
}
