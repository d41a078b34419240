import type { DecodedEvent, EnvelopeOp, EventDecoder } from '@millrace/codec';
import type { MirroredTable, NewRowsSink, TableBatch } from '@millrace/follower';
import { eventFlags, type RecordCursor } from '@millrace/log';
import {
  type Cell,
  hasUnknownColumns,
  keyAttnums,
  type Relation,
  type Row,
  relationName,
} from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { keyOf, type RowMapping, rowMapping } from './cells.js';
import { coalescerOf } from './coalesce.js';
import { type Coalescer, emptyBatch } from './table-event.js';

interface Version {
  readonly decoder: EventDecoder;
  /** Undefined: its rows have the table's own columns. */
  readonly mapping: RowMapping | undefined;
  /** Its rows are none of this table's: they came before it was made anew, in the same leader transaction. */
  readonly moot: boolean;
  /** Its rows go by another key than the table's now: which row an update or a delete means cannot be told. */
  readonly isRekeyed: boolean;
}

/** What a feed asks its stream to do besides writing batches. */
export interface FeedOutlet {
  write(batches: readonly TableBatch[]): void;
  newRows(table: MirroredTable): NewRowsSink | undefined;
  truncate(table: MirroredTable): void;
}

/** One table of the follower as the events of its topic reach it: decoding by relation version, coalescing. */
export class TableFeed {
  readonly table: MirroredTable;
  readonly topic: number;
  readonly #versions = new Map<number, Version>();
  readonly #coalescer: Coalescer;
  readonly #building: () => boolean;
  /** Where inserts go while the open batch holds nothing else. */
  #sink: NewRowsSink | undefined;
  /** The open batch holds, or held, something else: order matters now. */
  #isCoalescing = false;
  readonly #isAbsent = (column: number): boolean => this.#cursor?.isAbsent(column) ?? false;
  /** False: the halves of a key change stand for themselves, as a delete and an insert of whole rows. */
  isPaired = true;
  #cursor: RecordCursor | undefined;
  /** Keys of the rows of the present record's chunk; collected while a windowed chunk is read. */
  #chunkKeys: Row[] | undefined;

  constructor(topic: number, table: MirroredTable, building: () => boolean) {
    this.topic = topic;
    this.table = table;
    this.#building = building;
    this.#coalescer = coalescerOf(table, building);
  }

  /**
   * Makes events of `version` readable: their columns become the table's by attnum (R37). Where nothing tells which column
   * is which, or the table was another one, they are left out: the table is then read again by windows (R38).
   */
  accept(version: number, relation: Relation, decoder: EventDecoder): void {
    const now = this.table.relation;
    const moot =
      version !== this.table.version &&
      (relation.id !== now.id || hasUnknownColumns(relation) || hasUnknownColumns(now));
    const isRekeyed = keyAttnums(relation).join() !== keyAttnums(now).join();
    const mapping = moot ? undefined : rowMapping(relation, now);
    this.#versions.set(version, { decoder, mapping, moot, isRekeyed });
  }

  accepts(version: number): boolean {
    return this.#versions.has(version);
  }

  get rows(): number {
    return this.#coalescer.rows + (this.#sink?.count ?? 0);
  }

  /** Takes one event. `cursor` is a flyweight; nothing of it is kept. True: it took the bulk lane. */
  event(cursor: RecordCursor, outlet: FeedOutlet): boolean {
    const version = this.#versions.get(cursor.relationVersion);
    const value = cursor.value();
    if (!version) throw this.#unknownVersion(cursor.relationVersion);
    if (version.moot) return false;
    if (!value) throw new Fault('MR-5003', { detail: this.#at(cursor, 'an event has no value') });
    // A row of an older shape is mapped, which the lane cannot; nothing that comes after it may overtake it there.
    if (version.mapping || version.isRekeyed) this.#closeLane(outlet);
    else if (this.#passed(version.decoder, value, cursor, outlet)) return true;
    this.#cursor = cursor;
    const decoded = version.decoder.decode(value, this.#isAbsent);
    if (decoded.op === 't') {
      // What came before in this transaction is moot, but batches closed earlier are on their way already: order is kept.
      this.#coalescer.clear();
      this.#sink = undefined;
      outlet.truncate(this.table);
      this.#chunkKeys = undefined;
      return false;
    }
    if (version.isRekeyed && decoded.op !== 'c') {
      // The table is read again by windows, which bring what this row has become.
      if (this.#building()) return false;
      throw this.#rekeyed(cursor);
    }
    this.#add(decoded, decoded.op, version.mapping, cursor);
    return false;
  }

  /**
   * The bulk lane: as long as a batch of an exact table holds inserts alone, they go to the follower's sink, bytes to bytes. The first
   * other event closes what has gathered; from then on the batch is coalesced row by row.
   */
  #passed(decoder: EventDecoder, value: Uint8Array, cursor: RecordCursor, outlet: FeedOutlet): boolean {
    if (this.#isCoalescing) return false;
    if (cursor.absentLength === 0 && cursor.flags === 0 && !this.#chunkKeys && !this.#building()) {
      this.#sink ??= outlet.newRows(this.table);
      if (this.#sink && decoder.passInsert(value, this.#sink)) return true;
    }
    this.#closeLane(outlet);
    return false;
  }

  #closeLane(outlet: FeedOutlet): void {
    if (this.#isCoalescing) return;
    outlet.write(this.#takeNew());
    this.#isCoalescing = true;
  }

  #takeNew(): TableBatch[] {
    const sink = this.#sink;
    this.#sink = undefined;
    return sink && sink.count > 0 ? [{ ...emptyBatch(this.table), newRows: sink.take() }] : [];
  }

  #add(
    decoded: DecodedEvent,
    op: Exclude<EnvelopeOp, 't'>,
    mapping: RowMapping | undefined,
    cursor: RecordCursor,
  ): void {
    const before = decoded.before && mapping ? mapping(decoded.before) : decoded.before;
    const image = decoded.after && mapping ? mapping(decoded.after) : decoded.after;
    const after = image && before && cursor.absentLength > 0 ? this.#withKey(image, before) : image;
    const half = !this.isPaired
      ? undefined
      : (cursor.flags & eventFlags.keyChangeFirst) !== 0
        ? 'first'
        : (cursor.flags & eventFlags.keyChangeSecond) !== 0
          ? 'second'
          : undefined;
    if (op === 'r' && after && this.#chunkKeys && this.table.relation.key.length > 0)
      this.#chunkKeys.push(keyOf(after, this.table.relation.key));
    this.#coalescer.add({ op, before, after, half });
  }

  /** A key cell that is unchanged TOAST comes with the old row. */
  #withKey(image: Row, before: Row): Row {
    const { key } = this.table.relation;
    if (!key.some((index) => image[index] === undefined)) return image;
    return image.map((cell, i): Cell => (cell === undefined && key.includes(i) ? before[i] : cell));
  }

  /** Begins to collect the keys of a windowed chunk. */
  beginChunk(): void {
    this.#chunkKeys = [];
  }

  /**
   * The keys collected; ends the collection. Undefined: the chunk began with a truncate, so that nothing else is left in the
   * table, and its keys, too many to be kept (promise 7), are not needed.
   */
  endChunk(): readonly Row[] | undefined {
    const keys = this.#chunkKeys;
    this.#chunkKeys = undefined;
    return keys;
  }

  take(): TableBatch[] {
    this.#isCoalescing = false;
    return [...this.#takeNew(), ...this.#coalescer.take()];
  }

  #unknownVersion(version: number): Fault {
    return new Fault('MR-5004', {
      detail: `an event of ${relationName(this.table.relation)} has relation version ${version}, which no schema record before it describes`,
      context: { table: relationName(this.table.relation), version },
    });
  }

  #rekeyed(cursor: RecordCursor): Fault {
    return new Fault('MR-4008', {
      detail: this.#at(cursor, 'rows were changed before the key changed in the same transaction'),
      context: { table: relationName(this.table.relation) },
      remedy: 'Run `millrace resync <follower>`: the table is read again.',
    });
  }

  #at(cursor: RecordCursor, what: string): string {
    return `${what} (${relationName(this.table.relation)}, commit ${cursor.commit}, ordinal ${cursor.ordinal})`;
  }
}
