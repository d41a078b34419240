import { errorName, kafkaErrors } from './wire/error-codes.js';

/**
 * What a broker's answer to an append means:
 * - `appended`: durable at the offset given.
 * - `refused`: without effect, or with one that a repetition of the same bytes does not harm; repeat them until they are taken.
 * - `ambiguous`: may have taken effect, or may yet; the epoch is given up (R12).
 * - `final`: never will be taken as it is.
 */
export type AppendOutcome = 'appended' | 'refused' | 'ambiguous' | 'final';

/**
 * NOT_LEADER_OR_FOLLOWER also answers an append that was written and lost its leader while it waited for the replicas. Repeating it is
 * safe all the same: should both copies stay, the second is not later than the first, so that readers drop it (R18.3), and the range names
 * the copy that was acknowledged.
 */
const refused = new Set<number>([
  kafkaErrors.corruptMessage,
  kafkaErrors.unknownTopicOrPartition,
  kafkaErrors.leaderNotAvailable,
  kafkaErrors.notLeaderOrFollower,
  kafkaErrors.brokerNotAvailable,
  kafkaErrors.replicaNotAvailable,
  kafkaErrors.notEnoughReplicas,
  kafkaErrors.kafkaStorageError,
  kafkaErrors.fencedLeaderEpoch,
  kafkaErrors.unknownLeaderEpoch,
  kafkaErrors.throttlingQuotaExceeded,
  kafkaErrors.unknownTopicId,
  kafkaErrors.inconsistentTopicId,
]);

const final = new Set<number>([
  kafkaErrors.messageTooLarge,
  kafkaErrors.recordListTooLarge,
  kafkaErrors.invalidTopic,
  kafkaErrors.topicAuthorizationFailed,
  kafkaErrors.clusterAuthorizationFailed,
  kafkaErrors.invalidTimestamp,
  kafkaErrors.unsupportedForMessageFormat,
  kafkaErrors.unsupportedVersion,
  kafkaErrors.policyViolation,
  kafkaErrors.unsupportedCompressionType,
  kafkaErrors.invalidRecord,
]);

/** Unknown codes are ambiguous: nothing is known about them. */
export function appendOutcome(error: number): AppendOutcome {
  if (error === kafkaErrors.none) return 'appended';
  if (refused.has(error)) return 'refused';
  return final.has(error) ? 'final' : 'ambiguous';
}

/** Why a partition does not take an append now, for people. */
export function refusalReason(
  error: number,
  partition: string,
  replicas: { readonly replicas: readonly number[]; readonly inSync: readonly number[] } | undefined,
): string {
  if (error !== kafkaErrors.notEnoughReplicas || !replicas) return `${partition}: ${errorName(error)}`;
  const missing = replicas.replicas.length - replicas.inSync.length;
  return `${missing} of ${replicas.replicas.length} in-sync replicas missing for ${partition}, fewer than its min.insync.replicas are left`;
}
