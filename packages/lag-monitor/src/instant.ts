/** An instant on both clocks: durations use the monotonic one (a clock that jumps changes nothing), people read the other. */
export interface Instant {
  readonly monotonic_ms: number;
  readonly wall_ms: number;
}
