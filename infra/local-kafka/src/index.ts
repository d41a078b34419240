export { KafkaCluster, type KafkaOptions, type ProxiedNode, startKafka } from './cluster.js';
export type { KafkaNode } from './node.js';
export type { KafkaSettings } from './properties.js';
