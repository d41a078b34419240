// A process that asks for the shared Kafka, for shared-kafka.kafka.test.ts.
import { kafkaBrokers } from './shared-kafka.js';

process.stdout.write((await kafkaBrokers()).join());
