import {
  type BankRules,
  CommitOrder,
  checkObservation,
  checkPerKey,
  checkSuccession,
  type Observation,
} from '@millrace/oracle';
import type { PgServer } from '@millrace/test-support';

/** Holds every observation of a follower against the leader's commit order and against the one before. */
export class Judge {
  readonly #leader: PgServer;
  readonly #order: CommitOrder;
  readonly #check: typeof checkPerKey;
  readonly #last = new Map<string, Observation>();
  observations = 0;

  /** `promise`: what the follower's mode promises of a state between commits. */
  constructor(
    leader: PgServer,
    slot: string,
    promise: 'per commit' | 'per key' = 'per commit',
    rules: BankRules = {},
  ) {
    this.#leader = leader;
    this.#order = new CommitOrder(slot);
    this.#check =
      promise === 'per key'
        ? checkPerKey
        : (committed, observed) => checkObservation(committed, observed, rules);
  }

  /** Throws with every violation. Call after the observation was made, so that the commit list reaches beyond it. */
  async judge(follower: string, observed: Observation): Promise<void> {
    const transfers = await this.#committed();
    const before = this.#last.get(follower);
    const violations = [
      ...this.#check(transfers, observed),
      ...(before ? checkSuccession(before, observed) : []),
    ];
    if (violations.length > 0) throw new Error(`${follower} is wrong:\n  ${violations.join('\n  ')}`);
    this.#last.set(follower, observed);
    this.observations++;
  }

  /** Throws unless the follower, as observed, equals the leader's commits up to its position; for the end of a run. */
  async judgeWhole(follower: string, observed: Observation): Promise<void> {
    const violations = checkObservation(await this.#committed(), observed);
    if (violations.length > 0) throw new Error(`${follower} is wrong:\n  ${violations.join('\n  ')}`);
  }

  /** Transfers that the follower, as last observed, does not hold yet. */
  async missing(follower: string): Promise<number> {
    const end = this.#last.get(follower)?.end ?? 0n;
    return (await this.#committed()).filter((transfer) => transfer.end > end).length;
  }

  /** End of the newest transfer that the leader has committed. */
  async newest(): Promise<bigint> {
    return (await this.#committed()).at(-1)?.end ?? 0n;
  }

  /** True when the follower, as last observed, stands at or beyond `end`. */
  holds(follower: string, end: bigint): boolean {
    return (this.#last.get(follower)?.end ?? 0n) >= end;
  }

  /** Forget a follower's past: it was restored on purpose. */
  forget(follower: string): void {
    this.#last.delete(follower);
  }

  async #committed(): Promise<CommitOrder['transfers']> {
    const client = await this.#leader.connect();
    try {
      await this.#order.advance(client);
      return this.#order.transfers;
    } finally {
      await client.end();
    }
  }
}
