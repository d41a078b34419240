import { randomUUID } from 'node:crypto';
import { kafkaBrokers } from '@millrace/test-support';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventTopics } from './event-topics.js';

const timeout_ms = 10_000;
const fine = (): void => undefined;

let prefix: string;
let topics: EventTopics;
let producer: Producer;

beforeEach(async () => {
  const brokers = await kafkaBrokers();
  prefix = `bench_${randomUUID()}`;
  topics = await EventTopics.create(brokers, prefix, ['public.rows', 'public.bench_end'], 'public.bench_end');
  producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
});
afterEach(async () => {
  await producer.disconnect();
  await topics.remove();
});

const send = (table: string, count: number) =>
  producer.send({
    topic: `${prefix}.public.${table}`,
    messages: Array.from({ length: count }, (_, index) => ({ value: String(index) })),
  });

it('counts the records of all topics, and those of the last row’s apart', async () => {
  expect(await topics.held()).toEqual({ all: 0, last: 0 });
  await send('rows', 7);
  await send('bench_end', 1);
  expect(await topics.held()).toEqual({ all: 8, last: 1 });
});

it('waits for every record, also when the last row’s is there before the others', async () => {
  await send('bench_end', 1);
  let reached = false;
  const reaching = topics.reach({ all: 6, last: 1 }, fine, timeout_ms).then(() => {
    reached = true;
  });
  await send('rows', 4);
  expect(await topics.held()).toEqual({ all: 5, last: 1 });
  expect(reached).toBe(false);
  await send('rows', 1);
  await reaching;
});

it('ends as soon as whoever publishes has failed, and says how far it came when it takes too long', async () => {
  const goal = { all: 2, last: 1 };
  const failed = (): void => {
    throw new Error('the connector failed');
  };
  await expect(topics.reach(goal, failed, timeout_ms)).rejects.toThrow('the connector failed');
  await send('rows', 1);
  await expect(topics.reach(goal, fine, 50)).rejects.toThrow(/^1 of 2 records \(0 of 1 in .*bench_end\)/);
});
