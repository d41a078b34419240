import { setTimeout as sleep } from 'node:timers/promises';
import type { PgServer, TcpProxy } from '@millrace/test-support';
import { isKafkaTrouble } from '../kafka-backbone.js';
import type { Part } from '../pipeline.js';
import type { SoakFault } from './faults.js';
import type { SoakScene } from './scene.js';

const freeze_ms = 3_000;
/** Longer than `wal_sender_timeout` of the scene's leader. */
const halfOpen_ms = 12_000;

/**
 * Carries out a fault; resolves when it is over: processes are started again, networks healed. `onDown` is called while a killed part
 * is down.
 */
export async function strike(
  scene: SoakScene,
  fault: SoakFault,
  random: () => number,
  onDown: (part: Part) => Promise<void>,
): Promise<void> {
  if (isKafkaTrouble(fault)) return await scene.backbone?.strike(fault, random);
  const [what, who] = split(fault);
  switch (what) {
    case 'kill':
      await scene.pipeline.part(who as Part).kill9();
      await onDown(who as Part);
      scene.pipeline.start(who as Part);
      return;
    case 'freeze':
      return await freeze(scene, who as Part);
    case 'cut':
      return sideOf(scene, who).proxy.cut();
    case 'half-open':
      return await halfOpen(sideOf(scene, who).proxy);
    case 'restart':
      return await sideOf(scene, who).server.restart({}, 'immediate');
    case 'terminate':
      return who === 'walsender'
        ? await terminate(scene.leader, "backend_type = 'walsender'")
        : await terminate(scene.follower, "application_name LIKE 'millrace%'");
  }
}

function split(fault: string): [string, string] {
  const space = fault.indexOf(' ');
  return [fault.slice(0, space), fault.slice(space + 1)];
}

function sideOf(scene: SoakScene, who: string): { readonly proxy: TcpProxy; readonly server: PgServer } {
  return who === 'leader'
    ? { proxy: scene.leaderProxy, server: scene.leader }
    : { proxy: scene.followerProxy, server: scene.follower };
}

async function freeze(scene: SoakScene, part: Part): Promise<void> {
  const command = scene.pipeline.part(part);
  command.signal('SIGSTOP');
  await sleep(freeze_ms);
  command.signal('SIGCONT');
}

/** What the server says does not arrive for a while; then the connections break, and what they held is lost. */
async function halfOpen(proxy: TcpProxy): Promise<void> {
  proxy.hold('toClient');
  await sleep(halfOpen_ms);
  proxy.cut();
  proxy.release('toClient');
}

async function terminate(server: PgServer, which: string): Promise<void> {
  const client = await server.connect();
  try {
    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${which}`);
  } finally {
    await client.end();
  }
}
