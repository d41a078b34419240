/** What the bench and its child that discards say to each other. */
export interface DiscardOrder {
  readonly leaderUrl: string;
  readonly slot: string;
  readonly publication: string;
}

/**
 * To the child. `start`: run the capture, and say when `events` were discarded in this run. `stop`: end it; the chain
 * stays, for the next `start`.
 */
export type ToChild =
  | { readonly kind: 'start'; readonly order: DiscardOrder; readonly events: number }
  | { readonly kind: 'stop' };

/**
 * From the child: it can take orders; the capture streams; the events of the order were discarded when the wall clock said
 * `at_ms` (ms since 1970); it stopped, with so many events discarded since its start; it failed.
 */
export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'streaming' }
  | { readonly kind: 'reached'; readonly at_ms: number }
  | { readonly kind: 'stopped'; readonly events: number }
  | { readonly kind: 'failed'; readonly error: string };
