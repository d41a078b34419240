/** The lag one accepts for a follower, in bytes of leader WAL. */
export interface Budget {
  /** A follower's name, or `*` for all that have no budget of their own. */
  readonly follower: string;
  readonly warn_bytes: number;
  readonly page_bytes: number;
  /** How long a level must be exceeded before it counts. */
  readonly for_ms: number;
}

/** Hysteresis: an alert ends only when lag has fallen to this share of its level … */
export const clearRatio = 0.75;
/** … and stayed there for `for`, at least this long, so that a saw-tooth load pages once. */
export const clearFor_ms_min = 5_000;

export const clearFor_ms = (budget: Budget): number => Math.max(budget.for_ms, clearFor_ms_min);

/** A follower's own budget, else that of `*`. */
export function budgetOf(budgets: readonly Budget[], follower: string): Budget | undefined {
  return (
    budgets.find((budget) => budget.follower === follower) ??
    budgets.find((budget) => budget.follower === '*')
  );
}

/** Capture is late when the strictest follower would be: the least of all levels. */
export function budgetOfCapture(
  budgets: readonly Budget[],
  followers: readonly string[],
): Budget | undefined {
  const own = budgets.find((budget) => budget.follower === 'capture');
  if (own) return own;
  const found = followers.map((name) => budgetOf(budgets, name)).filter((budget) => budget !== undefined);
  const least = (pick: (budget: Budget) => number): number => Math.min(...found.map(pick));
  if (found.length === 0) return budgets.find((budget) => budget.follower === '*');
  return {
    follower: 'capture',
    warn_bytes: least((budget) => budget.warn_bytes),
    page_bytes: least((budget) => budget.page_bytes),
    for_ms: least((budget) => budget.for_ms),
  };
}
