import {
  type Change,
  cellAbsent,
  cellNull,
  emptyRowImage,
  formatLsn,
  lsnOf,
  type Relation,
  type RowImage,
} from '@millrace/model';
import { describeByte, postgresEpoch_us } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { ByteCursor } from './byte-cursor.js';
import { messageType, type PgoutputHandler, type RelationMessageColumn, unaskedTypes } from './messages.js';

const newTuple = 0x4e; // N
const keyTuple = 0x4b; // K
const oldTuple = 0x4f; // O
const textCell = 0x74; // t
const nullCell = 0x6e; // n
const unchangedCell = 0x75; // u
const transactionalFlag = 1;

/** A table's columns as the decoder needs them: its relation, and how many cells a tuple must have. */
interface Definition {
  readonly relation: Relation;
  readonly cells: number;
  /** Of a keyed table that sends whole old rows: the columns outside its key that no row has NULL in. */
  readonly neverNull: Int32Array;
}

const noColumns = new Int32Array(0);

function neverNull({ columns, identity, key }: Relation): Int32Array {
  if (identity !== 'full' || key.length === 0) return noColumns;
  return Int32Array.from(columns.flatMap(({ notNull }, i) => (notNull && !key.includes(i) ? [i] : [])));
}

/**
 * Decodes pgoutput protocol version 1 without making objects per row: one Change and two images are reused for every
 * event, and cells point into the bytes handed in. Whatever does not follow the protocol throws MR-2011 with message
 * type, LSN and offset; nothing is guessed. One decoder per replication session: the server's relation cache starts
 * afresh with each.
 */
export class PgoutputDecoder {
  readonly #handler: PgoutputHandler;
  readonly #definitions = new Map<number, Definition>();
  readonly #before = emptyRowImage();
  readonly #after = emptyRowImage();
  readonly #change: Change;
  readonly #cursor = new ByteCursor();
  #last: Definition | undefined;
  #lastId = -1;
  #inTransaction = false;
  #commitHigh = 0;
  #commitLow = 0;
  #type = 0;
  #start = 0;
  #lsnHigh = 0;
  #lsnLow = 0;

  constructor(handler: PgoutputHandler) {
    this.#handler = handler;
    this.#change = {
      op: 'insert',
      relation: undefined as unknown as Relation,
      lsnHigh: 0,
      lsnLow: 0,
      before: undefined,
      beforeIsFull: false,
      after: undefined,
    };
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** What changes of this table mean from here on. */
  define(relation: Relation): void {
    this.#definitions.set(relation.id, {
      relation,
      cells: relation.columns.length,
      neverNull: neverNull(relation),
    });
    this.#lastId = -1;
    this.#grow(this.#before, relation.columns.length);
    this.#grow(this.#after, relation.columns.length);
  }

  /** Decodes one message at `bytes[start … end)`; the LSN is that of its WAL record, as two unsigned 32-bit halves. */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    lsnHigh: number,
    lsnLow: number,
  ): Promise<void> | undefined {
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.at = start;
    cursor.end = end;
    this.#start = start;
    this.#lsnHigh = lsnHigh;
    this.#lsnLow = lsnLow;
    try {
      this.#type = end > start ? cursor.u8() : 0;
      return this.#dispatch();
    } catch (error) {
      if (error === cursor.overrun) throw this.#corrupt('it ends too early');
      throw error;
    }
  }

  #dispatch(): Promise<void> | undefined {
    switch (this.#type) {
      case messageType.insert:
        return this.#insert();
      case messageType.update:
        return this.#update();
      case messageType.delete:
        return this.#delete();
      case messageType.begin:
        return this.#begin();
      case messageType.commit:
        return this.#commit();
      case messageType.relation:
        return this.#relation();
      case messageType.truncate:
        return this.#truncate();
      case messageType.message:
        return this.#message();
      case messageType.origin:
        this.#needTransaction();
        this.#cursor.skip(8);
        this.#cursor.text();
        return this.#finish();
      case messageType.type:
        this.#cursor.skip(4);
        this.#cursor.text();
        this.#cursor.text();
        return this.#finish();
      default: {
        const unasked = unaskedTypes.get(this.#type);
        throw this.#corrupt(unasked ? `${unasked}, which was not asked for` : 'an unknown type');
      }
    }
  }

  #begin(): undefined {
    if (this.#inTransaction) throw this.#corrupt('a transaction inside another');
    const cursor = this.#cursor;
    this.#commitHigh = cursor.u32();
    this.#commitLow = cursor.u32();
    const committedAt_us = cursor.i64() + postgresEpoch_us;
    const xid = cursor.u32();
    this.#finish();
    this.#inTransaction = true;
    this.#handler.begin({ commit: lsnOf(this.#commitHigh, this.#commitLow), xid, committedAt_us });
  }

  #commit(): undefined {
    this.#needTransaction();
    const cursor = this.#cursor;
    cursor.skip(1);
    const high = cursor.u32();
    const low = cursor.u32();
    if (high !== this.#commitHigh || low !== this.#commitLow)
      throw this.#corrupt('the commit of another transaction');
    const endHigh = cursor.u32();
    const endLow = cursor.u32();
    cursor.skip(8);
    this.#finish();
    // R1 rests on it: a commit ends behind where it begins.
    if (endHigh < high || (endHigh === high && endLow <= low))
      throw this.#corrupt('a commit that ends before it begins');
    this.#inTransaction = false;
    this.#handler.commit({ end: lsnOf(endHigh, endLow) });
  }

  #insert(): undefined {
    const { relation, cells } = this.#definition(this.#cursor.u32());
    if (this.#cursor.u8() !== newTuple) throw this.#corrupt('an insert without a new row');
    this.#tuple(this.#after, cells);
    this.#finish();
    const change = this.#change;
    change.op = 'insert';
    change.relation = relation;
    change.before = undefined;
    change.beforeIsFull = false;
    change.after = this.#after;
    this.#deliver();
  }

  #update(): undefined {
    const definition = this.#definition(this.#cursor.u32());
    const { relation, cells } = definition;
    const change = this.#change;
    change.op = 'update';
    change.relation = relation;
    change.before = undefined;
    change.beforeIsFull = false;
    let kind = this.#cursor.u8();
    if (kind === keyTuple || kind === oldTuple) {
      this.#tuple(this.#before, cells);
      change.before = this.#before;
      change.beforeIsFull = kind === oldTuple && this.#isWhole(definition);
      kind = this.#cursor.u8();
    }
    if (kind !== newTuple) throw this.#corrupt('an update without a new row');
    this.#tuple(this.#after, cells);
    this.#finish();
    change.after = this.#after;
    this.#deliver();
  }

  #delete(): undefined {
    const definition = this.#definition(this.#cursor.u32());
    const { relation, cells } = definition;
    const kind = this.#cursor.u8();
    if (kind !== keyTuple && kind !== oldTuple) throw this.#corrupt('a delete without an old row');
    this.#tuple(this.#before, cells);
    this.#finish();
    const change = this.#change;
    change.op = 'delete';
    change.relation = relation;
    change.before = this.#before;
    change.beforeIsFull = kind === oldTuple && this.#isWhole(definition);
    change.after = undefined;
    this.#deliver();
  }

  /**
   * Whether an old row that is said to be whole is that. The server names it by the identity of the table it publishes under; what is
   * in it is by the identity of the partition, which may be the key alone.
   */
  #isWhole({ neverNull }: Definition): boolean {
    const { length } = this.#before;
    for (let i = 0; i < neverNull.length; i++) if (length[neverNull[i] as number] === cellNull) return false;
    return true;
  }

  /** One message names all tables that one statement emptied; each becomes an event of its own. */
  #truncate(): undefined {
    const cursor = this.#cursor;
    const count = cursor.u32();
    cursor.skip(1);
    if (count * 4 !== cursor.end - cursor.at)
      throw this.#corrupt(`${count} tables in ${cursor.end - cursor.at} bytes`);
    const relations: Relation[] = [];
    for (let i = 0; i < count; i++) relations.push(this.#definition(cursor.u32()).relation);
    const change = this.#change;
    for (const relation of relations) {
      change.op = 'truncate';
      change.relation = relation;
      change.before = undefined;
      change.beforeIsFull = false;
      change.after = undefined;
      this.#deliver();
    }
  }

  #relation(): Promise<void> | undefined {
    this.#needTransaction();
    const cursor = this.#cursor;
    const id = cursor.u32();
    const schema = cursor.text() || 'pg_catalog';
    const name = cursor.text();
    const identity = String.fromCharCode(cursor.u8());
    const count = cursor.u16();
    const columns: RelationMessageColumn[] = [];
    for (let i = 0; i < count; i++) {
      const key = (cursor.u8() & 1) !== 0;
      columns.push({ key, name: cursor.text(), type: cursor.u32(), typmod: cursor.u32() | 0 });
    }
    this.#finish();
    // The old meaning ends here: changes are refused until the new one is defined.
    this.#definitions.delete(id);
    this.#lastId = -1;
    return this.#handler.relation({ id, schema, name, identity, columns });
  }

  #message(): Promise<void> | undefined {
    const cursor = this.#cursor;
    const transactional = (cursor.u8() & transactionalFlag) !== 0;
    if (transactional) this.#needTransaction();
    cursor.skip(8);
    const prefix = cursor.text();
    const size = cursor.u32();
    const start = cursor.at;
    cursor.skip(size);
    this.#finish();
    return this.#handler.message({ transactional, prefix, bytes: cursor.bytes, start, end: start + size });
  }

  /** TupleData: cell count u16, then per cell its kind, and for text its length u32 and bytes. */
  #tuple(image: RowImage, cells: number): void {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    if (cursor.u16() !== cells)
      throw this.#corrupt(`a row whose number of cells is not the table's ${cells}`);
    const { offset, length } = image;
    let at = cursor.at;
    for (let i = 0; i < cells; i++) {
      if (at >= end) throw cursor.overrun;
      const kind = bytes[at++];
      if (kind === textCell) {
        if (end - at < 4) throw cursor.overrun;
        const size =
          (((bytes[at] as number) << 24) |
            ((bytes[at + 1] as number) << 16) |
            ((bytes[at + 2] as number) << 8) |
            (bytes[at + 3] as number)) >>>
          0;
        at += 4;
        if (size > end - at) throw cursor.overrun;
        offset[i] = at;
        length[i] = size;
        at += size;
      } else {
        if (kind !== nullCell && kind !== unchangedCell)
          throw this.#corrupt(`a cell of kind ${describeByte(kind as number)}`);
        offset[i] = at;
        length[i] = kind === nullCell ? cellNull : cellAbsent;
      }
    }
    cursor.at = at;
    image.columns = cells;
    image.bytes = bytes;
  }

  #deliver(): void {
    this.#change.lsnHigh = this.#lsnHigh;
    this.#change.lsnLow = this.#lsnLow;
    this.#handler.change(this.#change);
  }

  #definition(id: number): Definition {
    this.#needTransaction();
    if (id === this.#lastId) return this.#last as Definition;
    const found = this.#definitions.get(id);
    if (!found) throw this.#corrupt(`a change of table ${id}, which was not described before`);
    this.#last = found;
    this.#lastId = id;
    return found;
  }

  #needTransaction(): void {
    if (!this.#inTransaction) throw this.#corrupt('it stands outside a transaction');
  }

  #finish(): undefined {
    const rest = this.#cursor.end - this.#cursor.at;
    if (rest !== 0) throw this.#corrupt(`${rest} bytes too many`);
    return undefined;
  }

  #grow(image: RowImage, cells: number): void {
    if (image.offset.length >= cells) return;
    image.offset = new Int32Array(cells);
    image.length = new Int32Array(cells);
  }

  #corrupt(what: string): Fault {
    const { at, end } = this.#cursor;
    const lsn = formatLsn(lsnOf(this.#lsnHigh, this.#lsnLow));
    return new Fault('MR-2011', {
      detail: `pgoutput message ${describeByte(this.#type)} at ${lsn}, byte ${at - this.#start} of ${end - this.#start}: ${what}`,
    });
  }
}
