/** One place in a text file: 1-based line and column. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export const placeOf = (text: string, offset: number): Place => {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
};

const width_max = 100;

/** The line with a caret under the place, `length` wide, for an error message. */
export function excerpt(text: string, place: Place, length: number): string {
  const source = (text.split('\n')[place.line - 1] ?? '').replaceAll('\t', ' ');
  // A long line is shown around the place.
  const start = place.column > width_max - 20 ? place.column - 40 : 0;
  const line = source.slice(start, start + width_max);
  const at = place.column - 1 - start;
  const carets = '^'.repeat(Math.max(1, Math.min(length, line.length - at)));
  const number = String(place.line);
  return `  ${number} | ${line}\n  ${' '.repeat(number.length)} | ${' '.repeat(at)}${carets}`;
}
