import type { Cell } from '@millrace/model';

const needsEscape = /["\\]/;
const escapes = /["\\]/g;

/** How cells become elements of an array literal: `plain` for types whose text holds digits, signs and letters only. */
export type ElementForm = 'plain' | 'quoted';

/** PostgreSQL's text of a one-dimensional array, built from column `index` of rows. Absent cells must not occur. */
export function columnLiteral(rows: readonly (readonly Cell[])[], index: number, form: ElementForm): string {
  return form === 'plain' ? plainLiteral(rows, index) : quotedLiteral(rows, index);
}

function plainLiteral(rows: readonly (readonly Cell[])[], index: number): string {
  let text = '{';
  for (let i = 0; i < rows.length; i++) {
    const cell = (rows[i] as readonly Cell[])[index];
    text += i === 0 ? (cell ?? 'NULL') : `,${cell ?? 'NULL'}`;
  }
  return `${text}}`;
}

function quotedLiteral(rows: readonly (readonly Cell[])[], index: number): string {
  let text = '{';
  for (let i = 0; i < rows.length; i++) {
    const cell = (rows[i] as readonly Cell[])[index];
    if (i > 0) text += ',';
    if (cell == null) text += 'NULL';
    else text += needsEscape.test(cell) ? `"${cell.replace(escapes, '\\$&')}"` : `"${cell}"`;
  }
  return `${text}}`;
}
