interface Point {
  readonly at_ms: number;
  readonly value: bigint;
}

/** A window longer than this smooths a growing backlog away; a shorter one pages on a single checkpoint. */
export const rateWindow_ms = 30_000;
/** Two samples closer than this tell noise, not a rate. */
const span_ms_min = 900;
const points_max = 1_024;

/**
 * How fast a 64-bit counter moves, over the last `window_ms`. Differences are taken exactly before they become a
 * number (promise 9). Time is monotonic milliseconds, so a clock that jumps changes nothing.
 */
export class RateWindow {
  readonly #window_ms: number;
  #points: Point[] = [];

  constructor(window_ms = rateWindow_ms) {
    this.#window_ms = window_ms;
  }

  add(at_ms: number, value: bigint): void {
    this.#points.push({ at_ms, value });
    const oldest = at_ms - this.#window_ms;
    // One point older than the window stays: it is the far end of the span.
    while (this.#points.length > 2 && (this.#points[1] as Point).at_ms <= oldest) this.#points.shift();
    if (this.#points.length > points_max) this.#points = this.#points.filter((_, i) => i % 2 === 0);
  }

  /** Units per second, negative when the counter fell; undefined until two samples are far enough apart. */
  perSecond(): number | undefined {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (!first || !last || last.at_ms - first.at_ms < span_ms_min) return undefined;
    return (Number(last.value - first.value) * 1_000) / (last.at_ms - first.at_ms);
  }

  clear(): void {
    this.#points = [];
  }
}
