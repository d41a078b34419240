// Has ready what tests start servers from: on a machine's first run fetching it takes longer than a test may.
import { prepareKafka } from '../infra/local-kafka/dist/index.js';
import { findRedis } from '../infra/local-redis/dist/index.js';

const outcomes = await Promise.allSettled([
  process.env.MILLRACE_KAFKA_BROKERS ? undefined : prepareKafka(),
  process.env.MILLRACE_REDIS_URL ? undefined : findRedis(),
]);
for (const { reason } of outcomes.filter(({ status }) => status === 'rejected')) {
  process.stderr.write(`${reason.message}\n${reason.remedy ?? reason.stack}\n`);
  process.exitCode = 69;
}
