import { PgSession } from '@millrace/postgres';
import { isFault, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { followerConfig } from '../wiring/pipeline.js';
import type { CommandContext } from './context.js';

/**
 * How long a server may be away when a command starts: machines boot together. Later outages are waited out for as
 * long as they last; at the start, a wrong address must become a message and an exit code.
 */
const startup_ms_max = 10_000;
const retry_ms = 500;

export const awaitLeader = (context: CommandContext, loaded: LoadedConfig): Promise<void> =>
  reach(context, loaded.config.leader.url, 'leader');

/** DuckDB needs nobody to answer. */
export async function awaitFollower(
  context: CommandContext,
  loaded: LoadedConfig,
  name: string,
): Promise<void> {
  const { postgres } = followerConfig(loaded, name);
  if (postgres) await reach(context, postgres.url, 'follower');
}

async function reach(context: CommandContext, url: string, role: 'leader' | 'follower'): Promise<void> {
  const { signal } = context;
  const deadline = systemClock.monotonic() + startup_ms_max;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const session = await PgSession.open(url, { role });
      return await session.close();
    } catch (error) {
      if (!isFault(error, 'MR-2001', 'MR-4001') || systemClock.monotonic() > deadline) throw error;
      if (attempt === 0) context.terminal.say(`Waiting for the ${role}: ${error.detail}`);
    }
    await systemClock.sleep(retry_ms, signal);
  }
}
