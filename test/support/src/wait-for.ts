import { setTimeout as sleep } from 'node:timers/promises';

const poll_ms = 10;

export interface WaitOptions {
  /** What is awaited, for the message: "follower at the leader's position". */
  readonly what: string;
  readonly timeout_ms?: number;
}

const timeout_ms_default = 10_000;

/**
 * Asks `probe` until it answers something other than `undefined` or `false`, and returns that. Rejects with the
 * name of what was awaited, and the last error of `probe` if it threw, after `timeout_ms` (10 s).
 */
export async function waitFor<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { what, timeout_ms = timeout_ms_default }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeout_ms;
  let failure: unknown;
  while (true) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(
        `not within ${timeout_ms} ms: ${what}`,
        failure === undefined ? undefined : { cause: failure },
      );
    }
    await sleep(poll_ms);
  }
}
