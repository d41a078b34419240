import { type Lsn, parseLsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';

/** Where a timeline was left for the next one. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly switchLsn: Lsn;
}

/**
 * Parses a timeline history file: per line the timeline, the LSN at which it was left, and a reason; comments after #.
 * Oldest first, as the server writes it. Source: PostgreSQL's timeline.c.
 */
export function parseTimelineHistory(text: string): TimelineSwitch[] {
  const switches: TimelineSwitch[] = [];
  for (const line of text.split('\n')) {
    const bare = line.replace(/#.*$/, '').trim();
    if (bare === '') continue;
    const match = /^(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(bare);
    if (!match) throw new Fault('MR-2011', { detail: `a line of the timeline history is "${bare}"` });
    const timeline = Number(match[1]);
    const last = switches.at(-1);
    if (last && last.timeline >= timeline)
      throw new Fault('MR-2011', { detail: 'the timeline history is not in order' });
    switches.push({ timeline, switchLsn: parseLsn(match[2] as string) });
  }
  return switches;
}
