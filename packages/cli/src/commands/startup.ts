import { PgSession } from '@millrace/postgres';
import { Fault, isFault, systemClock } from '@millrace/runtime';
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
      if (!isFault(error, 'MR-2001', 'MR-4001')) throw error;
      if (systemClock.monotonic() > deadline) throw givenUp(error);
      if (attempt === 0) context.terminal.say(`Waiting for the ${role}: ${error.detail}`);
    }
    await systemClock.sleep(retry_ms, signal);
  }
}

/** Once running, Millrace waits for as long as it takes; here it ends, and must not say otherwise. */
const givenUp = ({ code, detail, context, cause }: Fault): Fault =>
  new Fault(code, {
    detail,
    context,
    cause,
    remedy: 'Check the address, the network and that the server runs, then start again.',
  });
