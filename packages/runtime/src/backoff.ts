export interface BackoffPolicy {
  readonly first_ms: number;
  readonly max_ms: number;
  readonly factor: number;
}

export const defaultBackoff: BackoffPolicy = { first_ms: 50, max_ms: 5_000, factor: 2 };

/**
 * Pause in whole milliseconds before attempt `attempt` (0 = first retry), with jitter in [0.5, 1) so that a fleet does not march in step.
 * `random` is a number in [0, 1).
 */
export function backoff_ms(policy: BackoffPolicy, attempt: number, random: number): number {
  const ceiling = Math.min(policy.max_ms, policy.first_ms * policy.factor ** Math.min(attempt, 30));
  return Math.round(ceiling * (0.5 + random / 2));
}
