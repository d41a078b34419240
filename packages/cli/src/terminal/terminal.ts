import type { WriteStream } from 'node:tty';

/** Where a command writes, and how: data on stdout, everything meant for people on stderr. */
export interface Terminal {
  /** Data: what `--json` prints, a status table. One call, one line. */
  out(line: string): void;
  /** Messages, progress, errors. */
  say(line: string): void;
  /** Colours for stderr and stdout; identity functions where colour is off. */
  readonly style: Style;
  readonly outStyle: Style;
  /** A terminal that can redraw lines: stderr is one, and not a dumb one. */
  readonly live: boolean;
  readonly columns: number;
  /** Redraws `lines` in place of those drawn before; `[]` removes them. Only when `live`. */
  draw(lines: readonly string[]): void;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Colour per stream: only on a terminal, and not for NO_COLOR, TERM=dumb or `--no-color`. */
export function wantsColour(isTTY: boolean, env: Environment, flag: boolean): boolean {
  if (!flag || (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb') return false;
  return isTTY;
}

const paint =
  (on: boolean, code: number, end: number) =>
  (text: string): string =>
    on ? `\u001b[${code}m${text}\u001b[${end}m` : text;

export const styleOf = (on: boolean): Style => ({
  bold: paint(on, 1, 22),
  dim: paint(on, 2, 22),
  red: paint(on, 31, 39),
  green: paint(on, 32, 39),
  yellow: paint(on, 33, 39),
  cyan: paint(on, 36, 39),
});

/** The terminal of this process. `clean` takes secrets out of every line. */
export function processTerminal(
  env: Environment,
  colour: boolean,
  clean: (text: string) => string = (text) => text,
): Terminal {
  const { stdout, stderr } = process;
  const live = stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) stderr.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  let shown: readonly string[] = [];
  const show = (lines: readonly string[]): void => {
    erase();
    const width = (stderr as WriteStream).columns || 80;
    const fitting = lines.map((line) => clean(fit(line, width)));
    if (fitting.length > 0) stderr.write(`${fitting.join('\n')}\n`);
    drawn = fitting.length;
    shown = lines;
  };
  return {
    out: (line) => void stdout.write(`${clean(line)}\n`),
    say(line) {
      erase();
      stderr.write(`${clean(line)}\n`);
      if (shown.length > 0) show(shown);
    },
    style: styleOf(wantsColour(stderr.isTTY === true, env, colour)),
    outStyle: styleOf(wantsColour(stdout.isTTY === true, env, colour)),
    live,
    columns: (stderr as WriteStream).columns || 80,
    draw(lines) {
      if (live) show(lines);
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
const escapes = /\u001b\[[0-9;]*m/g;

export const visibleLength = (text: string): number => [...text.replace(escapes, '')].length;

/** A line that would wrap would spoil the redraw: cut, without its colours. */
function fit(line: string, width: number): string {
  if (visibleLength(line) < width) return line;
  return [...line.replace(escapes, '')].slice(0, Math.max(0, width - 1)).join('');
}
