import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessWatch } from '../../measure/process-watch.js';
import { wallClock_ms, walsenderOf } from '../../measure/walsender.js';
import type { Filled } from '../../workloads/workload.js';
import type { Drained, Stand } from '../contestant.js';
import type { EventTopics, Held } from './event-topics.js';
import { deletedRows } from './tombstones.js';

const drain_ms_max = 1_800_000;
/** Whoever publishes more than there is has done so after this. */
const settle_ms = 500;

/** The program that drains a lane. */
export interface Publisher {
  /** `capture`, `connect`. */
  readonly name: string;
  readonly pid: number;
  /** Makes it read from the slot; nothing of the backlog is read before. */
  begin(): Promise<void>;
  /** Throws when it has ended or failed. */
  assertAlive(): void;
}

/** What a lane is before its drain. */
export interface KafkaLane {
  readonly stand: Stand;
  readonly slot: string;
  readonly topics: EventTopics;
  /** Rows that the workload's tables had lost when the slot was made. */
  readonly deletedBefore: number;
}

/**
 * One drain into Kafka, the same for everybody: from the walsender's start until the lane's topics hold every record of the
 * backlog, a tombstone after each delete included (Debezium's default, and ours). Throws when there is a record more.
 */
export async function drainIntoKafka(
  { stand, slot, topics, deletedBefore }: KafkaLane,
  publisher: Publisher,
  backlog: Filled,
): Promise<Drained> {
  const before = await topics.held();
  const tombstones = (await deletedRows(stand.leader, stand.workload.tables)) - deletedBefore;
  const goal: Held = { all: before.all + backlog.events + tombstones, last: before.last + 1 };
  const failed = (): void => publisher.assertAlive();
  const watch = new ProcessWatch();
  try {
    await publisher.begin();
    const walsender = await walsenderOf(stand.leader, slot, failed);
    watch.add(publisher.name, publisher.pid);
    watch.add('walsender', walsender.pid, { whole: true });
    await topics.reach(goal, failed, drain_ms_max);
    const seconds = (wallClock_ms() - walsender.started_ms) / 1_000;
    const processes = watch.stop();
    await assertExactly(goal, topics, slot);
    return { events: backlog.events, seconds, processes };
  } finally {
    watch.stop();
  }
}

async function assertExactly(goal: Held, topics: EventTopics, slot: string): Promise<void> {
  await sleep(settle_ms);
  const { all } = await topics.held();
  if (all !== goal.all) throw new Error(`${slot}: ${all} records in its topics instead of ${goal.all}`);
}
