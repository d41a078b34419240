import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { clientProgram } from '../contestants/client-program.js';
import { publication, type Stand } from '../contestants/contestant.js';
import { Pipeline } from '../contestants/followers/pipeline.js';
import { dropSlot, walsenderOf } from '../measure/walsender.js';
import { Cleanup } from '../stand/cleanup.js';
import { createSlot } from '../stand/slot.js';

/** Somebody who reads the leader's changes while it works. */
export interface Attachment {
  readonly name: string;
  /** Performance's goal is ours to meet. */
  readonly isOurs: boolean;
  describe(): Promise<string>;
  /** Reads from now on, from a slot of its own. */
  attach(stand: Stand, lane: number): Promise<Attached>;
}

export interface Attached extends AsyncDisposable {
  /** Throws when it has ended. */
  assertAlive(): void;
}

/** A pipeline must name a follower; this one's applier never runs. */
const nobody = '{ duckdb: { path: ./nobody.duckdb } }';

/** Capture into the embedded log. No applier: its follower would be on another machine. */
export const captureAttached: Attachment = {
  name: 'millrace',
  isOurs: true,
  describe: async () => 'millrace capture into the embedded log, default settings, on the same machine',
  attach: (stand, lane) =>
    attached(async (cleanup) => {
      const pipeline = await Pipeline.create({ stand, lane, store: nobody }, cleanup);
      pipeline.start('capture');
      await pipeline.ready('capture');
      return () => pipeline.assertRunning();
    }),
};

/** The least that any reader of a slot costs. */
export const recvlogicalAttached: Attachment = {
  name: 'pg_recvlogical',
  isOurs: false,
  async describe() {
    const { version } = await clientProgram('pg_recvlogical');
    return `${version}, proto_version 1, to /dev/null, on the same machine`;
  },
  attach: (stand, lane) =>
    attached(async (cleanup) => {
      const { path, env } = await clientProgram('pg_recvlogical');
      const slot = `attached_${lane}`;
      await createSlot(stand.leader, slot);
      cleanup.defer(() => dropSlot(stand.leader, slot));
      const options = ['-o', 'proto_version=1', '-o', `publication_names=${publication}`];
      const child = spawn(
        path,
        ['-d', stand.leader.url, '-S', slot, '--start', '-f', '/dev/null', '--no-loop', ...options],
        { env, stdio: 'ignore' },
      );
      const ended = once(child, 'exit');
      ended.catch(() => undefined);
      cleanup.defer(async () => {
        child.kill('SIGKILL');
        await ended;
      });
      const assertAlive = (): void => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`pg_recvlogical ended with ${child.exitCode ?? child.signalCode}`);
      };
      await walsenderOf(stand.leader, slot, assertAlive);
      return assertAlive;
    }),
};

async function attached(start: (cleanup: Cleanup) => Promise<() => void>): Promise<Attached> {
  const cleanup = new Cleanup();
  try {
    const assertAlive = await start(cleanup);
    return { assertAlive, [Symbol.asyncDispose]: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
