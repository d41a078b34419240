import { existsSync } from 'node:fs';
import { waitFor } from '@millrace/test-support';
import { temporaryFiles } from './folder-sample.js';
import type { Settled } from './sampler.js';
import { everyPart, type SoakScene } from './scene.js';
import { sampleFollower, sampleLeader } from './server-sample.js';
import { type Finding, judged } from './verdict.js';

/** The exit code of a program that ended in order on SIGTERM, as shells have it. */
const stopped = 143;
const gone_ms_max = 10_000;

/** Stops all parts, and looks for what they left: processes, files, connections, backends, locks. */
export async function judgeEnd(
  scene: SoakScene,
  pids: readonly number[],
  readers: () => Settled['readers'],
): Promise<Finding[]> {
  const ends = await Promise.all(
    everyPart.map(async (part) => {
      const { code, signal } = await scene.pipeline.part(part).stop();
      return { part, ok: code === 0 || code === stopped, how: `${part} ${code ?? signal}` };
    }),
  );
  // Servers find out on their own time that a client has gone.
  const empty = await waitFor(() => isDeserted(scene), {
    what: 'backends are gone',
    timeout_ms: gone_ms_max,
  }).catch(() => false);
  const leader = await sampleLeader(scene.leader);
  const follower = await sampleFollower(scene.follower);
  const left = pids.filter((pid) => existsSync(`/proc/${pid}`));
  const files = temporaryFiles(scene.temporary);
  const { leaderProxy, followerProxy } = scene;
  const { living, dead } = readers();
  return [
    judged(
      'every part ends in order',
      ends.every(({ ok }) => ok),
      ends.map(({ how }) => how).join(', '),
    ),
    judged('no process is left', left.length === 0, left.join(', ') || `${pids.length} came and went`),
    judged('no temporary file is left', files.length === 0, files.join(', ') || 'none'),
    judged(
      'no connection is left',
      empty && leaderProxy.connections + followerProxy.connections === 0,
      `${leaderProxy.connections} to the leader, ${followerProxy.connections} to the follower`,
    ),
    judged(
      'no backend is left',
      leader.backends + follower.backends + follower.locks + follower.prepared === 0,
      `${leader.backends} on the leader; ${follower.backends} on the follower, ${follower.locks} locks, ${follower.prepared} prepared transactions`,
    ),
    judged(
      'no reader of the log is left',
      living === 0,
      `${living} of living processes, ${dead} of dead ones, freed by the next writer`,
    ),
  ];
}

async function isDeserted({ leader, follower, leaderProxy, followerProxy }: SoakScene): Promise<boolean> {
  const [one, two] = [await sampleLeader(leader), await sampleFollower(follower)];
  return one.backends + two.backends + leaderProxy.connections + followerProxy.connections === 0;
}
