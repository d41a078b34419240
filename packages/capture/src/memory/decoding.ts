import {
  type Change,
  emptyRowImage,
  type Relation,
  type Row,
  type RowImage,
  rowImageOf,
} from '@millrace/model';
import type { MemoryChange } from './table.js';

/** A change as a slot sends it, in one flyweight: key images only where the identity says so, spared large values absent. */
export class MemoryDecoding {
  readonly #change: Change = {
    op: 'insert',
    relation: undefined as never,
    lsnHigh: 0,
    lsnLow: 0,
    before: undefined,
    beforeIsFull: false,
    after: undefined,
  };
  readonly #isLarge: (cell: string) => boolean;
  /** Reused and overwritten, as a network's buffer is, so that whoever keeps an image is found out. */
  readonly #scratch: RowImage = emptyRowImage(1);

  constructor(isLarge: (cell: string) => boolean) {
    this.#isLarge = isLarge;
  }

  decode({ op, relation, before, after, lsn }: MemoryChange): Change {
    const change = this.#change;
    const full = relation.identity === 'full';
    change.op = op;
    change.relation = relation;
    change.lsnHigh = Number(lsn >> 32n);
    change.lsnLow = Number(lsn & 0xffff_ffffn);
    change.beforeIsFull = full && before !== undefined;
    change.before = undefined;
    change.after = undefined;
    if (op === 'delete' || (op === 'update' && before && (full || keyMoved(relation, before, after))))
      change.before = rowImageOf(full ? (before as Row) : keyOnly(relation, before as Row));
    if (after) change.after = rowImageOf(op === 'update' ? this.#spare(after, before as Row) : after);
    return change;
  }

  /** Spoils what was handed over last: images are valid only during the call. */
  spoil(): void {
    const change = this.#change;
    change.before?.bytes.fill(0x3f);
    change.after?.bytes.fill(0x3f);
    change.before = undefined;
    change.after = this.#scratch;
  }

  #spare(after: Row, before: Row): Row {
    return after.map((cell, i) =>
      typeof cell === 'string' && cell === before[i] && this.#isLarge(cell) ? undefined : cell,
    );
  }
}

const keyMoved = (relation: Relation, before: Row, after: Row | undefined): boolean =>
  relation.key.some((column) => before[column] !== after?.[column]);

const keyOnly = (relation: Relation, row: Row): Row =>
  row.map((cell, i) => (relation.key.includes(i) ? cell : null));
