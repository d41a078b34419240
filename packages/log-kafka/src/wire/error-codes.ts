/** Kafka's error codes, as far as this package tells them apart (https://kafka.apache.org/protocol#protocol_error_codes). */
export const kafkaErrors = {
  unknown: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  brokerNotAvailable: 8,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  networkException: 13,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidConfig: 40,
  notController: 41,
  unsupportedForMessageFormat: 43,
  policyViolation: 44,
  kafkaStorageError: 56,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  unsupportedCompressionType: 76,
  offsetNotAvailable: 78,
  invalidRecord: 87,
  throttlingQuotaExceeded: 89,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const;

const names = new Map<number, string>(
  Object.entries(kafkaErrors).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  ]),
);

/** A code as Kafka's documentation spells it. */
export const errorName = (code: number): string => names.get(code) ?? `error ${code}`;
