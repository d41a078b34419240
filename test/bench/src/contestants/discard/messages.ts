/** What the bench and its child that discards say to each other. */
export interface DiscardOrder {
  readonly leaderUrl: string;
  readonly slot: string;
  readonly publication: string;
}

/**
 * To the child. `start`: run the capture, and say when the log covers the leader's commits up to `until`. `stop`: end it; the
 * chain stays, for the next `start`.
 */
export type ToChild =
  | { readonly kind: 'start'; readonly order: DiscardOrder; readonly until?: string }
  | { readonly kind: 'stop' };

/**
 * From the child: it can take orders; the capture streams; the log covered what was asked for when the wall clock said
 * `at_ms` (ms since 1970); it stopped, and since its start the chain's records covered so many events; it failed.
 */
export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'streaming' }
  | { readonly kind: 'reached'; readonly at_ms: number }
  | { readonly kind: 'stopped'; readonly events: number }
  | { readonly kind: 'failed'; readonly error: string };
