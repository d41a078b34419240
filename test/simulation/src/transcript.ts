import type { LogFields, Logger } from '@millrace/runtime';
import type { WorldClock } from './world-clock.js';

/** Lines kept of one run; the end of the story is what explains a failure. */
const lines_max = 4_000;

/** What happened in one run, one line per event, readable as a story. Written only when asked for. */
export class Transcript {
  readonly #clock: WorldClock;
  readonly #enabled: boolean;
  readonly lines: string[] = [];

  constructor(clock: WorldClock, enabled: boolean) {
    this.#clock = clock;
    this.#enabled = enabled;
  }

  tell(who: string, what: string): void {
    if (!this.#enabled) return;
    if (this.lines.length >= lines_max) this.lines.splice(0, lines_max / 2);
    this.lines.push(`${this.#clock.monotonic().toFixed(1).padStart(9)} ms  ${who.padEnd(12)} ${what}`);
  }

  /** A service's log as lines of the story. */
  logger(who: string): Logger {
    const line = (fields: LogFields, message: string): void => {
      if (this.#enabled) this.tell(who, `${message} ${brief(fields)}`);
    };
    const logger: Logger = { debug: line, info: line, warn: line, error: line, child: () => logger };
    return logger;
  }
}

function brief(fields: LogFields): string {
  const shown = Object.entries(fields).map(([name, value]) => {
    const text =
      value instanceof Error
        ? value.message
        : typeof value === 'bigint'
          ? String(value)
          : JSON.stringify(value);
    return `${name}=${text}`;
  });
  return shown.length > 0 ? `(${shown.join(' ')})` : '';
}
