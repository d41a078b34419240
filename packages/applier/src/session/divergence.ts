import type { CountingRecord } from '@millrace/log';
import { formatLsn, type Position } from '@millrace/model';
import { Fault } from '@millrace/runtime';

/** MR-2007: what was applied cannot be taken back. `beyond`: the position, as text, behind which all of it was. */
export function diverged(name: string, beyond?: string): Fault {
  const did = beyond === undefined ? 'holds commits that' : `had applied commits beyond ${beyond}, which`;
  return new Fault('MR-2007', {
    detail: `follower ${name} ${did} never happened on the leader’s new timeline`,
    remedy: `Run \`millrace resync ${name}\`.`,
  });
}

/**
 * R32: what a partition beyond the fork has applied cannot be taken back, and its row cannot meet the others' again, which may have
 * stopped before it. So nothing moves, and only a resync leads on: MR-2007.
 */
export function refuseFork(group: readonly CountingRecord[], name: string, position: Position): void {
  for (const { record } of group)
    if (record.kind === 'open' && record.fork && position.end > record.fork.forkAt)
      throw diverged(name, formatLsn(record.fork.forkAt));
}
