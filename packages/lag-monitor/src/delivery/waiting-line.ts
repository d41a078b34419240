import type { Owed } from './outbox.js';

/** `kept`: the outbox has it. */
export type OwedHere = Owed & { readonly kept: boolean };

/** What is owed, by key, in order; and per alert and channel a lane in which one thing happens at a time. */
export class WaitingLine {
  readonly #owed = new Map<string, OwedHere>();
  readonly #lanes = new Map<string, Promise<unknown>>();
  /** Monotonic clock, ms: when somebody else should have tried at the latest. */
  readonly #expected = new Map<string, number>();
  #onEmpty: (() => void)[] = [];

  get size(): number {
    return this.#owed.size;
  }

  keys(): string[] {
    return [...this.#owed.keys()];
  }

  get(key: string): OwedHere | undefined {
    return this.#owed.get(key);
  }

  has(key: string): boolean {
    return this.#owed.has(key);
  }

  /** False when it is there already. */
  add(key: string, owed: OwedHere): boolean {
    if (this.#owed.has(key)) return false;
    this.#owed.set(key, owed);
    return true;
  }

  expect(key: string, by_ms: number): void {
    if (this.#owed.has(key)) this.#expected.set(key, by_ms);
  }

  /** Never for what nobody else was asked to try. */
  isOverdue(key: string, now_ms: number): boolean {
    const by_ms = this.#expected.get(key);
    return by_ms !== undefined && now_ms > by_ms;
  }

  /** The earlier ones of the same alert and channel. */
  before(key: string): OwedHere[] {
    const lane = laneOf(this.#owed.get(key));
    const earlier: OwedHere[] = [];
    for (const [other, owed] of this.#owed) {
      if (other === key) break;
      if (laneOf(owed) === lane) earlier.push(owed);
    }
    return earlier;
  }

  /** Returns the key of the next one of the same alert and channel. */
  remove(key: string): string | undefined {
    const owed = this.#owed.get(key);
    this.#owed.delete(key);
    this.#expected.delete(key);
    if (this.#owed.size === 0) for (const tell of this.#onEmpty.splice(0)) tell();
    if (!owed) return undefined;
    const lane = laneOf(owed);
    for (const [other, waiting] of this.#owed) if (laneOf(waiting) === lane) return other;
    return undefined;
  }

  /** Resolves when nothing is owed. */
  empty(): Promise<void> {
    if (this.#owed.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Runs `work` after everything that was begun before in the lane of `key`. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lane = laneOf(this.#owed.get(key)) ?? key;
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const done = before.then(work, work);
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    this.#lanes.set(lane, settled);
    void settled.then(() => {
      if (this.#lanes.get(lane) === settled) this.#lanes.delete(lane);
    });
    return done;
  }
}

const laneOf = (owed: Owed | undefined): string | undefined =>
  owed && `${owed.channel} ${owed.notification.fields.dedup_key}`;
