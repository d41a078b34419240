import type { Owed } from './outbox.js';

/**
 * What is owed in the order in which it arose, alert by alert: that with the oldest notification first, within it the older
 * breach, and of a breach the page before its resolve. Times of sampling alone do not tell: a wall clock that was set back
 * makes a resolve look older than its page. Alerts do not wait for each other, so nothing is lost by keeping each together.
 */
export function inOrder(owed: readonly Owed[]): Owed[] {
  const oldest = new Map<string, string>();
  for (const { notification } of owed) {
    const { dedup_key, sampled_at } = notification.fields;
    const known = oldest.get(dedup_key);
    if (known === undefined || sampled_at < known) oldest.set(dedup_key, sampled_at);
  }
  /** Compared one after the other, as texts: all times are of one form. */
  const rank = ({ channel, notification: { id, fields } }: Owed): readonly string[] => [
    oldest.get(fields.dedup_key) ?? '',
    fields.dedup_key,
    fields.since,
    fields.type === 'resolve' ? '1' : '0',
    fields.sampled_at,
    id,
    channel,
  ];
  return owed
    .map((one) => ({ one, rank: rank(one) }))
    .sort((a, b) => compareRanks(a.rank, b.rank))
    .map(({ one }) => one);
}

function compareRanks(a: readonly string[], b: readonly string[]): number {
  for (const [i, text] of a.entries()) {
    const other = b[i] ?? '';
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}
