import type { Instant } from '../instant.js';
import { type Breach, type BreachStep, isFiring, quiet, stepBreach } from './breach.js';
import type { Condition } from './conditions.js';

/** A breach, and what was said of it. */
export interface Alert {
  readonly breach: Breach;
  /** Codes its pages were about; none where a page is about nothing in particular, or an earlier version sent it. */
  readonly told: readonly string[];
}

export const noAlert: Alert = { breach: quiet, told: [] };

export interface AlertStep {
  readonly alert: Alert;
  readonly say: BreachStep['say'];
}

/**
 * One evaluation. A service that stops for another reason while the page about its stop is out gets a page of its own under
 * the same key: whoever has mended the first would not know. Once for each reason: processes that share a service and have
 * stopped for different ones write their notes by turns.
 */
export function stepAlert(before: Alert, condition: Condition, now: Instant): AlertStep {
  const about = condition.kind === 'stopped' ? condition.about : undefined;
  const isNew = about !== undefined && !before.told.includes(about);
  const isAnother = isNew && before.told.length > 0 && isFiring(before.breach);
  const { state, say }: BreachStep = isAnother
    ? { state: { kind: 'firing', since: now, samples: 1 }, say: 'fired' }
    : stepBreach(before.breach, condition.reading, now, condition.rule);
  const told = isNew ? [...before.told, about] : before.told;
  return { alert: { breach: state, told: isFiring(state) ? told : [] }, say };
}
