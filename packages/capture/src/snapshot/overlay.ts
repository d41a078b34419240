import type { Row } from '@millrace/model';

/** One event of a window, as far as a row is concerned: what a key became. Absent cells are undefined. */
export type WindowEvent = { readonly kind: 'set'; readonly row: Row } | { readonly kind: 'delete' };

/**
 * R29: the row after one more event, column by column: present cells win, an absent one (unchanged large value) keeps what the
 * row read had. Undefined: the row is gone. Dropping touched keys instead would lose rows whose update spared the large value.
 */
export function overlay(row: Row | undefined, event: WindowEvent): Row | undefined {
  if (event.kind === 'delete') return undefined;
  if (!row) return event.row;
  return event.row.map((cell, i) => (cell === undefined ? row[i] : cell));
}
