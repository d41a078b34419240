import { join } from 'node:path';
import { dropSlot } from '../../measure/walsender.js';
import { Cleanup } from '../../stand/cleanup.js';
import { endTable } from '../../workloads/filling.js';
import type { Lane, Stand } from '../contestant.js';
import { drainIntoKafka, type Publisher } from './drain.js';
import { EventTopics } from './event-topics.js';
import { deletedRows } from './tombstones.js';

/** Where somebody works. */
export interface KafkaPlace {
  readonly stand: Stand;
  readonly brokers: readonly string[];
  /** Name of the slot, and first part of the topics' names. */
  readonly name: string;
  /** Where its processes get their folders. */
  readonly runFolder: string;
  /** Undone when the lane goes, last first. */
  readonly cleanup: Cleanup;
}

/** Who works there. */
export interface KafkaWorker {
  /** `millrace`, `debezium`. */
  readonly name: string;
  /** Makes the slot, and what else must stand before the backlog is written; the topics do already. */
  prepare(place: KafkaPlace): Promise<void>;
  /** Has its program ready to read from the slot. */
  ready(place: KafkaPlace): Promise<Publisher>;
}

/** A lane with topics of its own, the same for everybody. */
export async function prepareKafkaLane(stand: Stand, lane: number, worker: KafkaWorker): Promise<Lane> {
  const { brokers } = stand;
  if (brokers === undefined) throw new Error('the stand has no brokers');
  const name = `${worker.name}_${lane}`;
  const cleanup = new Cleanup();
  const place = { stand, brokers, name, runFolder: join(stand.folder, name), cleanup };
  try {
    const topics = await EventTopics.create(brokers, name, stand.workload.tables, endTable);
    cleanup.defer(() => topics.remove());
    cleanup.defer(() => dropSlot(stand.leader, name));
    await worker.prepare(place);
    const deletedBefore = await deletedRows(stand.leader, stand.workload.tables);
    return {
      drain: async (backlog) =>
        drainIntoKafka({ stand, slot: name, topics, deletedBefore }, await worker.ready(place), backlog),
      remove: () => cleanup.run(),
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
