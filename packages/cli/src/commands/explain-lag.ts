import {
  type EdgeStatus,
  formatBytes,
  formatDuration,
  formatRate,
  type StatusReport,
} from '@millrace/lag-monitor';
import { Fault } from '@millrace/runtime';
import { type CommandContext, readConfig } from './context.js';
import { measureStatus, statusFromMonitor } from './measure.js';

/** `millrace explain lag orders/search-eu`: where the bytes wait, who holds them, and what to do. */
export async function explainLag(context: CommandContext, asked: string | undefined): Promise<number> {
  const loaded = readConfig(context);
  const report = (await statusFromMonitor(loaded)) ?? (await measureStatus(loaded, context.signal));
  const edges = edgesOf(report, asked);
  if (context.options.json) context.terminal.out(JSON.stringify({ edges }));
  else for (const line of edges.flatMap((edge) => explain(report, edge))) context.terminal.out(line);
  return 0;
}

/** `pipeline/edge`, an edge, or nothing for all. */
function edgesOf(report: StatusReport, asked: string | undefined): EdgeStatus[] {
  const all = [report.capture, ...report.followers];
  if (asked === undefined) return all;
  const name = asked.startsWith(`${report.pipeline}/`) ? asked.slice(report.pipeline.length + 1) : asked;
  const found = all.find((edge) => edge.edge === name);
  if (found) return [found];
  throw new Fault('MR-1001', {
    detail: `there is no edge "${asked}" in pipeline ${report.pipeline}`,
    remedy: `Edges: ${all.map((edge) => edge.edge).join(', ')}.`,
  });
}

const size = (bytes: number | null): string => formatBytes(bytes ?? undefined);
const rate = (bps: number | null): string => formatRate(bps ?? undefined);

function explain(report: StatusReport, edge: EdgeStatus): string[] {
  const upstream = report.capture.lag_bytes;
  const lines = [
    `${report.pipeline} → ${edge.edge === 'capture' ? 'log' : edge.edge}: ${size(edge.lag_bytes)} behind the leader.`,
  ];
  if (edge !== report.capture) {
    const own = edge.lag_bytes !== null && upstream !== null ? Math.max(0, edge.lag_bytes - upstream) : null;
    lines.push(`  ${size(upstream)} wait before the log, ${size(own)} between the log and ${edge.edge}.`);
  }
  lines.push(`  In ${rate(edge.in_bps)}, out ${rate(edge.out_bps)}.`);
  for (const { resource, seconds } of edge.deadlines)
    lines.push(`  ${resource} is spent in ~${formatDuration(seconds)}.`);
  const { service } = edge;
  if (service === null) lines.push(`  Its service has never run on this log.`);
  else if (service.fault)
    lines.push(
      `  ${service.state}: ${service.fault.code} ${service.fault.detail}`,
      `  Do: ${service.fault.remedy}`,
    );
  else if (service.silent)
    lines.push(
      `  Its service (pid ${service.pid} on ${service.host}) is silent since ${service.last_heard_at}.`,
    );
  else
    lines.push(
      `  Its service is ${service.state}: ${service.doing} (pid ${service.pid} on ${service.host}).`,
    );
  return lines;
}
