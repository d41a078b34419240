export { openKafkaLog } from './open.js';
export type {
  KafkaFinding,
  KafkaLog,
  KafkaLogOptions,
  KafkaLogStats,
  KafkaPartitionStats,
  KafkaSasl,
  KafkaTls,
  KafkaTopicOptions,
} from './options.js';
export { progressTopicOf, tableTopicOf } from './topic-names.js';
export type { Compression } from './wire/compression.js';
