import { startKafka } from '@millrace/local-kafka';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import type { Stand } from '../contestants/contestant.js';
import type { Workload } from '../workloads/workload.js';
import { Cleanup } from './cleanup.js';
import { startLeader } from './leader.js';

export interface StandOptions {
  readonly workload: Workload;
  /** Each gets a slot. */
  readonly lanes: number;
  /** Brokers of our own; none if absent. */
  readonly brokers?: 1 | 3;
}

/** A stand that its owner takes down. */
export interface OwnedStand extends Stand, AsyncDisposable {}

/** Tests start brokers for a quick start; who measures lets the machine compile as it does in production. */
const brokersJvm = ['-XX:TieredStopAtLevel=4'];

/** Starts the servers of one comparison. Disposing it removes them with all they hold, and the folder. */
export async function openStand({ workload, lanes, brokers }: StandOptions): Promise<OwnedStand> {
  const cleanup = new Cleanup();
  try {
    const folder = tempFolder('millrace-bench');
    cleanup.defer(() => removeTempFolder(folder));
    const kafka = brokers === undefined ? undefined : await startKafka({ nodes: brokers, jvm: brokersJvm });
    cleanup.defer(() => kafka?.remove());
    const leader = await startLeader(workload, lanes);
    cleanup.defer(() => leader.remove());
    return {
      leader,
      workload,
      folder,
      ...(kafka && { brokers: kafka.brokers }),
      [Symbol.asyncDispose]: () => cleanup.run(),
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
