import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { kafkaBrokers } from './shared-kafka.js';
import { spawnScript } from './spawn-script.js';

it('all processes of a run share one Kafka, which serves', { timeout: 60_000 }, async () => {
  const brokers = await kafkaBrokers();
  const child = spawnScript(new URL('./shared-kafka.sample.ts', import.meta.url), []);
  let seen = '';
  for await (const chunk of child.stdout ?? []) seen += String(chunk);
  expect(seen.trim()).toBe(brokers.join());
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  expect((await admin.describeCluster()).brokers.length).toBe(brokers.length);
  await admin.disconnect();
});
