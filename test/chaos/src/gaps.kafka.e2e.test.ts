import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KafkaAdmin } from './kafka-admin.js';
import { KafkaBackbone } from './kafka-backbone.js';
import { Stage } from './stage.js';

const limit_ms = 240_000;
/** Long enough for anything that wrongly goes on to show. */
const watch_ms = 2_000;

describe('a gap in Kafka is loud (promise 5)', () => {
  let backbone: KafkaBackbone;
  let pipelines = 0;
  beforeAll(async () => {
    backbone = await KafkaBackbone.start(1);
  }, limit_ms);
  afterAll(async () => {
    await backbone?.[Symbol.asyncDispose]();
  });

  /** A pipeline of its own on the same broker: its topics begin with another name. */
  const setStage = (): Promise<Stage> => Stage.set({ log: backbone.yaml, name: `gap${++pipelines}` });
  const admin = (): Promise<KafkaAdmin> => KafkaAdmin.connect(backbone.brokers);

  it(
    'a topic deleted and made again stops capture, pages, lets nothing later through, and resync mends it',
    async () => {
      await using stage = await setStage();
      await using kafka = await admin();
      await stage.open();
      await stage.untilLakeEqual();
      const before = await stage.replicaRows();
      await stage.pipeline.part('replica').stop();
      await kafka.recreate(`${stage.name}.public.items`);
      await stage.onLeader(`UPDATE items SET value = 'second'`);
      await stage.untilLoudStop('capture', ['MR-3005']);
      stage.pipeline.start('replica');
      await sleep(watch_ms);
      expect(await stage.replicaRows()).toBe(before);

      await stage.run('resync', '--all');
      stage.pipeline.start('capture');
      await stage.untilReplicaEqual();
      await stage.untilExact();
      await stage.onLeader(`INSERT INTO items VALUES (300, 'after')`);
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );

  it(
    'records deleted past a follower stop that follower alone, and resync mends it',
    async () => {
      await using stage = await setStage();
      await using kafka = await admin();
      await stage.open();
      const before = await stage.replicaRows();
      await stage.pipeline.part('replica').stop();
      await stage.onLeader(`UPDATE items SET value = 'second'`);
      await stage.untilLakeEqual();
      await kafka.deleteRecords(`${stage.name}.public.items`);
      await stage.onLeader(`INSERT INTO items VALUES (200, 'later')`);
      stage.pipeline.start('replica');
      await stage.untilLoudStop('replica', ['MR-3003']);
      expect(await stage.replicaRows()).toBe(before);
      await stage.untilLakeEqual();

      await stage.run('resync', 'replica');
      stage.pipeline.start('replica');
      await stage.untilReplicaEqual();
      await stage.untilExact();
    },
    limit_ms,
  );
});
