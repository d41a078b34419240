import { formatCount } from '../terminal/progress.js';
import type { Terminal } from '../terminal/terminal.js';
import type { BankWatch } from './bank-watch.js';
import { describeDifference, type TableDifference } from './compare.js';

export interface DemoResult {
  readonly equal: boolean;
}

/** What the demo saw. */
export interface DemoOutcome {
  /** By copy: each table against the leader's. */
  readonly results: Readonly<Record<string, readonly TableDifference[]>>;
  readonly bank: Pick<BankWatch, 'looks' | 'broken'>;
  readonly transactions: number;
  readonly kills: 'two' | 'three';
  /** Most events per second, by edge. */
  readonly peaks: ReadonlyMap<string, number>;
  readonly drained_ms: number;
  readonly pages: number;
  readonly resolves: number;
  readonly took_ms: number;
}

/** Prints it. Equal: every row of every copy, and the bank at every look. */
export function tellOutcome(terminal: Terminal, outcome: DemoOutcome): DemoResult {
  const { results, bank, peaks, pages } = outcome;
  const { style } = terminal;
  terminal.say('');
  let equal = bank.broken === 0;
  for (const [copy, differences] of Object.entries(results)) {
    const wrong = differences.flatMap(describeDifference);
    const rows = differences.reduce((sum, { rows: count }) => sum + count, 0);
    equal &&= wrong.length === 0;
    terminal.say(
      wrong.length === 0
        ? `  ${style.green('✓')} ${copy}: ${formatCount(rows)} rows in ${differences.length} tables, every one equal`
        : `  ${style.red('✗')} ${copy}: differs from the leader`,
    );
    for (const line of wrong) terminal.say(`      ${line}`);
  }
  terminal.say(
    bank.broken === 0
      ? `  ${style.green('✓')} The bank balanced in all ${formatCount(bank.looks)} looks at the follower while it ran`
      : `  ${style.red('✗')} The bank did not balance in ${bank.broken} of ${bank.looks} looks`,
  );
  const peak = (edge: string): string => formatCount(peaks.get(edge) ?? 0);
  terminal.say(
    `  ${formatCount(outcome.transactions)} transactions under ${outcome.kills} kill -9; peaks: log ${peak('capture')}, PostgreSQL ${peak('replica')}, DuckDB ${peak('lake')} events/s`,
  );
  terminal.say(
    `  Caught up ${(outcome.drained_ms / 1_000).toFixed(1)} s after the load ended; ${pages} page${pages === 1 ? '' : 's'}, ${outcome.resolves} resolved; ${Math.round(outcome.took_ms / 1_000)} s in all`,
  );
  return { equal };
}
