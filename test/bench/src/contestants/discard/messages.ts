/** What the bench and its child that discards say to each other. */
export interface DiscardOrder {
  readonly leaderUrl: string;
  readonly slot: string;
  readonly publication: string;
}

/** To the child. `start`: run the capture. `stop`: end it; the chain stays, for the next `start`. */
export type ToChild = { readonly kind: 'start'; readonly order: DiscardOrder } | { readonly kind: 'stop' };

/**
 * From the child: the capture streams; `events` were discarded up to now, when the wall clock said `at_ms` (ms since 1970);
 * it stopped; it failed.
 */
export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'streaming' }
  | { readonly kind: 'events'; readonly events: number; readonly at_ms: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: string };
