export { makeCertificates } from './certificates.js';
export {
  type ClientTls,
  KafkaCluster,
  type KafkaOptions,
  type ProxiedNode,
  prepareKafka,
  startKafka,
} from './cluster.js';
export type { KeyPair, TestCertificates } from './key-pair.js';
export type { KafkaNode } from './node.js';
export type { KafkaSettings } from './properties.js';
export type { SaslMechanism, SaslUser } from './security.js';
