import { Fault } from '@millrace/runtime';
import type { PgClient } from '../connection/session.js';
import { parseTimelineHistory, type TimelineSwitch } from './timeline-history.js';

/** Who the server is, as its walsender says. */
export interface WalsenderIdentity {
  readonly systemId: bigint;
  readonly timeline: number;
  readonly ancestry: readonly TimelineSwitch[];
  /** 0: off. */
  readonly walSenderTimeout_ms: number;
}

/** Asks over a replication connection (`replication=database`): IDENTIFY_SYSTEM, TIMELINE_HISTORY, SHOW. */
export async function identifyServer(client: PgClient): Promise<WalsenderIdentity> {
  const system = await firstRow(client, 'IDENTIFY_SYSTEM');
  const timeline = Number(system.timeline);
  const ancestry =
    timeline > 1
      ? parseTimelineHistory((await firstRow(client, `TIMELINE_HISTORY ${timeline}`)).content ?? '')
      : [];
  const timeout = await firstRow(client, 'SHOW wal_sender_timeout');
  return {
    systemId: BigInt(system.systemid as string),
    timeline,
    ancestry,
    walSenderTimeout_ms: parseDuration_ms(timeout.wal_sender_timeout as string),
  };
}

async function firstRow(client: PgClient, command: string): Promise<Record<string, string>> {
  const { rows } = await client.query<Record<string, string | Buffer>>(command);
  const row = rows[0];
  if (!row) throw new Fault('MR-2011', { detail: `the server answered ${command} without a row` });
  // TIMELINE_HISTORY's content is declared bytea yet sent as plain text.
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value?.toString() ?? '']));
}

const unit_ms: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration as SHOW prints it: `1min`, `500ms`, `0`. */
export function parseDuration_ms(text: string): number {
  const match = /^(\d+)\s*(ms|s|min|h|d)?$/.exec(text);
  if (!match) throw new Fault('MR-2011', { detail: `"${text}" is not a duration` });
  return Number(match[1]) * (unit_ms[match[2] ?? 'ms'] as number);
}
