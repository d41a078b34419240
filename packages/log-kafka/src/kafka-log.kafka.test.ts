import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { describeLogConformance } from '@millrace/log/conformance';
import { afterAll, beforeAll } from 'vitest';
import { kafkaHarness } from './testing/harness.js';

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafka();
});
afterAll(async () => {
  await cluster?.remove();
});

describeLogConformance('the log in Kafka, on one broker,', async () => kafkaHarness(cluster.brokers));
