import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { askKeeper } from './server-keeper.js';

let own: Promise<KafkaCluster> | undefined;

/** Bootstrap addresses of the broker that this process owns, started on first use. */
export async function ownKafkaBrokers(): Promise<readonly string[]> {
  own ??= startKafka();
  return (await own).brokers;
}

/** Ends the broker this process owns. */
export async function removeOwnKafka(): Promise<void> {
  const ending = own;
  own = undefined;
  await (await ending)?.remove();
}

/**
 * Bootstrap addresses, `host:port`, of a Kafka that all tests of this run share: those of MILLRACE_KAFKA_BROKERS
 * (comma-separated), else a single broker of our own. Topics, groups and transactional ids there need unique names;
 * who stops brokers or changes their settings starts one of one's own (`startKafka`).
 */
export async function kafkaBrokers(): Promise<readonly string[]> {
  const given = process.env.MILLRACE_KAFKA_BROKERS;
  if (given) return given.split(',').map((address) => address.trim());
  const kept = await askKeeper('kafka');
  return kept === undefined ? ownKafkaBrokers() : kept.split(',');
}
