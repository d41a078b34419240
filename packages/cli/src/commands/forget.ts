import { FollowerReports } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { openLog } from '../wiring/log.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { livingNote } from './giving-orders.js';

/** Unregisters a follower that was taken out of the configuration: what only it still needed may leave the log. */
export async function forget(context: CommandContext, follower: string): Promise<number> {
  const loaded = readConfig(context);
  if (Object.hasOwn(loaded.config.followers, follower))
    throw new Fault('MR-1001', {
      detail: `follower "${follower}" is still configured`,
      remedy: 'Take it out of the configuration and stop its applier first.',
    });
  const log = await openLog(loaded, loggerFor(context, loaded, 'forget'));
  try {
    const reports = new FollowerReports(log);
    const known = (await reports.list()).map((report) => report.follower);
    if (!known.includes(follower))
      throw new Fault('MR-1001', {
        detail: `the log knows no follower "${follower}"`,
        remedy: `It knows ${known.join(', ') || 'none'}.`,
      });
    const note = await livingNote(log, follower);
    if (note)
      throw new Fault('MR-1001', {
        detail: `an applier of "${follower}" runs in pid ${note.pid} on ${note.host}`,
        remedy: 'Stop it first; otherwise it reports again.',
      });
    await reports.forget(follower);
    context.terminal.say(
      `${follower}: forgotten; the log is no longer kept for it. Its store was not touched.`,
    );
  } finally {
    await log.close();
  }
  return 0;
}
