import { describe, expect, it } from 'vitest';
import { appendOutcome, refusalReason } from './append-outcome.js';
import { kafkaErrors } from './wire/error-codes.js';

describe('the answer to an append', () => {
  it('is an acknowledgement only without an error', () => {
    expect(appendOutcome(kafkaErrors.none)).toBe('appended');
    for (const code of Object.values(kafkaErrors))
      if (code !== kafkaErrors.none) expect(appendOutcome(code)).not.toBe('appended');
  });

  it('is repeated when it was refused before it took effect, or when a repetition is harmless', () => {
    for (const code of [
      kafkaErrors.notEnoughReplicas,
      kafkaErrors.notLeaderOrFollower,
      kafkaErrors.unknownTopicId,
    ])
      expect(appendOutcome(code)).toBe('refused');
  });

  it('is unknown when the broker appended and then did not hear of its replicas, or says what nobody knows (R12)', () => {
    for (const code of [
      kafkaErrors.requestTimedOut,
      kafkaErrors.notEnoughReplicasAfterAppend,
      kafkaErrors.unknown,
      kafkaErrors.networkException,
      9_999,
    ])
      expect(appendOutcome(code)).toBe('ambiguous');
  });

  it('is final when the same bytes will never be taken', () => {
    for (const code of [
      kafkaErrors.messageTooLarge,
      kafkaErrors.topicAuthorizationFailed,
      kafkaErrors.invalidRecord,
    ])
      expect(appendOutcome(code)).toBe('final');
  });

  it('names the replicas that are missing', () => {
    const replicas = { replicas: [1, 2, 3], inSync: [2] };
    expect(refusalReason(kafkaErrors.notEnoughReplicas, 'orders/0', replicas)).toBe(
      '2 of 3 in-sync replicas missing for orders/0, fewer than its min.insync.replicas are left',
    );
    expect(refusalReason(kafkaErrors.notLeaderOrFollower, 'orders/0', replicas)).toBe(
      'orders/0: NOT_LEADER_OR_FOLLOWER',
    );
  });
});
