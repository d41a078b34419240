import { followerDatabase, followerSettings } from '../contestants/followers/cluster.js';
import { replicate } from '../contestants/followers/millrace-postgres.js';
import { subscribe, subscriptionSettings } from '../contestants/followers/native-subscription.js';
import { Pipeline } from '../contestants/followers/pipeline.js';
import { Cleanup } from '../stand/cleanup.js';
import type { Following, LatencyContestant } from './contestant.js';

/** Our capture and applier, live, over the embedded log. */
export const millraceEmbedded: LatencyContestant = {
  name: 'millrace → PostgreSQL',
  describe: async () =>
    `capture and applier as two processes, embedded log, default settings; ${followerSettings}`,
  start: (stand, lane) =>
    started(async (cleanup) => {
      const { pipeline, database } = await replicate(stand, lane, cleanup);
      return { followerUrl: database.url, assertAlive: () => pipeline.assertRunning() };
    }),
};

/** The same over Kafka. */
export const millraceKafka: LatencyContestant = {
  name: 'millrace → Kafka → PostgreSQL',
  describe: async () =>
    `capture and applier as two processes, log on Kafka, default settings; ${followerSettings}`,
  start: (stand, lane) =>
    started(async (cleanup) => {
      const database = await followerDatabase(stand, lane);
      cleanup.defer(() => database.remove());
      const store = `{ postgres: { url: ${JSON.stringify(database.url)} } }`;
      const log = `{ kafka: { brokers: ${JSON.stringify(stand.brokers ?? [])} } }`;
      const pipeline = await Pipeline.create({ stand, lane, store, log }, cleanup);
      for (const part of ['capture', 'applier'] as const) pipeline.start(part);
      return { followerUrl: database.url, assertAlive: () => pipeline.assertRunning() };
    }),
};

/** PostgreSQL's own, live. */
export const nativeFollowing: LatencyContestant = {
  name: 'native subscription',
  describe: async () => `PostgreSQL 18, ${subscriptionSettings}; ${followerSettings}`,
  start: (stand, lane) =>
    started(async (cleanup) => {
      const { database } = await subscribe(stand, lane, cleanup);
      return { followerUrl: database.url, assertAlive: () => undefined };
    }),
};

async function started(start: (cleanup: Cleanup) => Promise<Omit<Following, 'stop'>>): Promise<Following> {
  const cleanup = new Cleanup();
  try {
    const following = await start(cleanup);
    return { ...following, stop: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
