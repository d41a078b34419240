import { visibleLength } from './terminal.js';

/** Rows as aligned columns; a column whose name is given in `right` is aligned to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string[] {
  const widths = header.map((name, i) =>
    Math.max(visibleLength(name), ...rows.map((row) => visibleLength(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const padding = ' '.repeat(Math.max(0, (widths[i] as number) - visibleLength(cell)));
        return right.includes(header[i] as string) ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)];
}
