import {
  type EdgeStatus,
  formatBytes,
  formatDuration,
  formatRate,
  type PagesStatus,
  type StatusReport,
} from '@millrace/lag-monitor';
import { formatCount } from '../terminal/progress.js';
import { table } from '../terminal/table.js';
import type { Style } from '../terminal/terminal.js';
import { type CommandContext, readConfig } from './context.js';
import { measureStatus, statusFromMonitor } from './measure.js';

/** Where everything stands, from the running monitor if there is one, else measured on the spot. */
export async function status(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  const report = (await statusFromMonitor(loaded)) ?? (await measureStatus(loaded, context.signal));
  if (context.options.json) context.terminal.out(JSON.stringify(report));
  else for (const line of statusLines(report, context.terminal.outStyle)) context.terminal.out(line);
  return 0;
}

const orUnknown = (value: number | null, format: (value: number | undefined) => string): string =>
  value === null ? '?' : format(value);

/** The table that people read; `?` is unknown. */
export function statusLines(report: StatusReport, style: Style): string[] {
  const { leader, log } = report;
  const slot = leader.slot
    ? `slot ${leader.slot.active ? 'active' : 'not active'}, keeps ${orUnknown(leader.slot.retained_bytes, formatBytes)}`
    : leader.fault
      ? style.red(`${leader.fault.code}: ${leader.fault.detail}`)
      : 'no slot yet';
  const logText = log.fault
    ? style.red(`${log.fault.code}: ${log.fault.detail}`)
    : `epoch ${log.epoch ?? '?'}, ${orUnknown(log.used_bytes, formatBytes)} on disk`;
  return [
    `${style.bold(report.pipeline)}  ${style.dim(`measured ${report.sampled_at}`)}`,
    `  leader  ${leader.position ?? '?'}  ${slot}`,
    `  log     ${log.position ?? '?'}  ${logText}`,
    '',
    ...table(
      ['edge', 'state', 'position', 'behind', 'growing', 'in', 'out', 'age', 'events'],
      [report.capture, ...report.followers].map((edge) => row(edge, style)),
      ['behind', 'growing', 'in', 'out', 'age', 'events'],
    ),
    ...[report.capture, ...report.followers].flatMap((edge) => notes(edge, style)),
    ...report.alerts.map((alert) => style.red(`! ${alert.key} ${alert.state} since ${alert.since}`)),
    ...pageNotes(report.pages, style),
  ];
}

/** Nothing while pages arrive. A monitor of an earlier version tells nothing. */
function pageNotes(pages: PagesStatus | null | undefined, style: Style): string[] {
  if (!pages) return [];
  const { owed, jobs } = pages;
  const lines: string[] = [];
  if (owed > 0)
    lines.push(style.red(`! ${owed} page${owed === 1 ? '' : 's'} not delivered yet, and tried again`));
  if (jobs.fault) lines.push(style.yellow(`monitor.jobs: waits: ${jobs.fault.code} ${jobs.fault.detail}`));
  return lines;
}

function row(edge: EdgeStatus, style: Style): string[] {
  const over =
    edge.budget !== null && edge.charged_bytes !== null && edge.charged_bytes > edge.budget.warn_bytes;
  const behind = orUnknown(edge.lag_bytes, formatBytes);
  return [
    edge.edge,
    stateText(edge.state, style),
    edge.position ?? '?',
    over ? style.yellow(behind) : behind,
    orUnknown(edge.growth_bps, formatRate),
    orUnknown(edge.in_bps, formatRate),
    orUnknown(edge.out_bps, formatRate),
    orUnknown(edge.staleness_s, formatDuration),
    edge.events === null ? '?' : formatCount(edge.events),
  ];
}

function stateText(state: string, style: Style): string {
  if (state === 'exact' || state === 'running') return style.green(state);
  return state === 'stopped' || state === 'diverged' ? style.red(state) : style.yellow(state);
}

function notes(edge: EdgeStatus, style: Style): string[] {
  const { service, tables_building } = edge;
  const lines: string[] = [];
  if (service === null) lines.push(`${edge.edge}: has never run on this log`);
  else if (service.fault)
    lines.push(
      `${edge.edge}: ${service.fault.code} ${service.fault.detail}`,
      ...(service.fault.remedy ? [`  Do: ${service.fault.remedy}`] : []),
    );
  else if (service.state === 'stopped') lines.push(`${edge.edge}: not running (ended on request)`);
  else if (service.state === 'waiting' && !service.silent)
    lines.push(`${edge.edge}: waits: ${service.doing}`);
  if (service?.silent)
    lines.push(`${edge.edge}: silent since ${service.last_heard_at} (pid ${service.pid} on ${service.host})`);
  for (const { host, pid, doing } of service?.others ?? [])
    lines.push(`${edge.edge}: also pid ${pid} on ${host}: ${doing}`);
  if (tables_building.length > 0) lines.push(`${edge.edge}: still building ${tables_building.join(', ')}`);
  return lines.map((line) => style.yellow(line));
}
