export { type KeyPair, makeCertificates, type TestCertificates } from './certificates.js';
export {
  type ClientTls,
  KafkaCluster,
  type KafkaOptions,
  type ProxiedNode,
  prepareKafka,
  startKafka,
} from './cluster.js';
export type { KafkaNode } from './node.js';
export type { KafkaSettings } from './properties.js';
export type { SaslMechanism, SaslUser } from './security.js';
