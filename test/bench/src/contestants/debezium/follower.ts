import { join } from 'node:path';
import type { Following, LatencyContestant } from '../../latency/contestant.js';
import { dropSlot, walsenderOf } from '../../measure/walsender.js';
import { Cleanup } from '../../stand/cleanup.js';
import { endTable } from '../../workloads/filling.js';
import type { Stand } from '../contestant.js';
import { followerDatabase, followerSettings } from '../followers/cluster.js';
import { EventTopics } from '../kafka/event-topics.js';
import { makeTables, untilCopied } from './follower-copy.js';
import { connectProgram, inWords, jdbcLock } from './program.js';
import type { ConnectSettings } from './rest.js';
import { RunningConnector } from './running-connector.js';
import { sinkSettings } from './sink.js';
import { promptSource, sourceSettings } from './source.js';
import { ConnectWorker, heapOptions, jsonConverters } from './worker.js';

/** Debezium's source and its JDBC sink in one Connect worker, into a PostgreSQL follower. */
export const debeziumJdbc: LatencyContestant = {
  name: 'debezium + JDBC sink',
  describe: async () =>
    [
      `${inWords(await connectProgram(jdbcLock))}, source and JDBC sink`,
      `${heapOptions.join(' ')}, G1, JsonConverter with schemas`,
      ...Object.entries(promptSource).map(([key, value]) => `${key}=${value}`),
      'sink: upsert by record key, all else as it comes',
      followerSettings,
    ].join(', '),
  async start(stand, lane) {
    const cleanup = new Cleanup();
    try {
      return await follow(stand, lane, cleanup);
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  },
};

async function follow(stand: Stand, lane: number, cleanup: Cleanup): Promise<Following> {
  const { brokers, leader, workload } = stand;
  if (brokers === undefined) throw new Error('the stand has no brokers');
  const name = `debezium_${lane}`;
  const database = await followerDatabase(stand, lane);
  cleanup.defer(() => database.remove());
  const follower = await database.connect();
  cleanup.defer(() => follower.end());
  await makeTables(stand, follower);
  const topics = await EventTopics.create(brokers, name, workload.tables, endTable);
  cleanup.defer(() => topics.remove());
  cleanup.defer(() => dropSlot(leader, name));
  const worker = await startWorker(stand, brokers, name);
  cleanup.defer(() => worker.remove());
  const start = async (connector: string, settings: ConnectSettings): Promise<RunningConnector> => {
    const started = new RunningConnector(worker, connector);
    cleanup.defer(() => started.forget());
    await started.start(settings);
    return started;
  };
  const from = sourceSettings({ leaderUrl: leader.url, slot: name, prefix: name });
  const source = await start(name, { ...from, ...promptSource });
  const sink = await start(`${name}_sink`, sinkSettings({ followerUrl: database.url, topics: topics.names }));
  const assertAlive = (): void => {
    source.assertAlive();
    sink.assertAlive();
  };
  await untilCopied(stand, follower, assertAlive);
  // Its snapshot is behind it.
  await walsenderOf(leader, name, assertAlive);
  return { followerUrl: database.url, assertAlive, stop: () => cleanup.run() };
}

async function startWorker(
  { folder }: Stand,
  brokers: readonly string[],
  name: string,
): Promise<ConnectWorker> {
  return ConnectWorker.start({
    program: await connectProgram(jdbcLock),
    brokers,
    runFolder: join(folder, name),
    settings: jsonConverters({ schemas: true }),
  });
}
