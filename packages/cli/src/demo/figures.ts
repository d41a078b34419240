import { type EdgeStatus, formatBytes, type StatusReport } from '@millrace/lag-monitor';
import { formatCount } from '../terminal/progress.js';
import { table } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';

/** Off a terminal, one line of figures this often. */
const line_ms = 4_000;

interface Counted {
  readonly at_ms: number;
  readonly events: number;
}

/** The live figures: a small table redrawn on a terminal, a line now and then elsewhere. */
export class Figures {
  readonly #terminal: Terminal;
  readonly #before = new Map<string, Counted>();
  readonly #rates = new Map<string, number>();
  #lastLine_ms = 0;
  /** Highest rate of the log's events and of each follower's, for the summary. */
  readonly peaks = new Map<string, number>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(status: StatusReport, transactions: number, now_ms: number): void {
    const edges = [status.capture, ...status.followers];
    for (const edge of edges) this.#count(edge, now_ms);
    if (this.#terminal.live) this.#terminal.draw(this.#lines(edges, transactions));
    else if (now_ms - this.#lastLine_ms >= line_ms) {
      this.#lastLine_ms = now_ms;
      this.#terminal.say(
        `  ${formatCount(transactions)} transactions; ${edges
          .map((edge) => `${edge.edge} ${this.#rateText(edge)}, ${behind(edge)} behind`)
          .join('; ')}`,
      );
    }
  }

  clear(): void {
    this.#terminal.draw([]);
  }

  #lines(edges: readonly EdgeStatus[], transactions: number): string[] {
    const rows = edges.map((edge) => [
      edge.edge === 'capture' ? 'leader → log' : `log → ${edge.edge}`,
      edge.state,
      this.#rateText(edge),
      behind(edge),
    ]);
    return [
      ...table(['', 'state', 'events/s', 'bytes behind'], rows, ['events/s', 'bytes behind']).map(
        (line) => `  ${line}`,
      ),
      this.#terminal.style.dim(`  ${formatCount(transactions)} transactions on the leader so far`),
    ];
  }

  #count(edge: EdgeStatus, now_ms: number): void {
    if (edge.events === null) return;
    const before = this.#before.get(edge.edge);
    // Counters start over with their process.
    if (before && edge.events > before.events) {
      const rate = ((edge.events - before.events) * 1_000) / (now_ms - before.at_ms);
      this.#rates.set(edge.edge, rate);
      this.peaks.set(edge.edge, Math.max(rate, this.peaks.get(edge.edge) ?? 0));
    } else if (before && now_ms - before.at_ms > 2_500) this.#rates.set(edge.edge, 0);
    if (!before || edge.events !== before.events)
      this.#before.set(edge.edge, { at_ms: now_ms, events: edge.events });
  }

  #rateText(edge: EdgeStatus): string {
    const rate = this.#rates.get(edge.edge);
    return rate === undefined ? '–' : `${formatCount(rate)}${this.#terminal.live ? '' : ' events/s'}`;
  }
}

const behind = (edge: EdgeStatus): string => (edge.lag_bytes === null ? '?' : formatBytes(edge.lag_bytes));
