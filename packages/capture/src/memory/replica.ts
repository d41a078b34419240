import type { Codec, DecodedEvent, EventDecoder } from '@millrace/codec';
import {
  type BatchRecord,
  ChainReader,
  type CountingRecord,
  eventFlags,
  type Log,
  type RecordCursor,
  readRecordEvents,
  type SnapshotState,
} from '@millrace/log';
import { type Cell, type Position, type Relation, type Row, startOfHistory } from '@millrace/model';
import { unfinished } from '../snapshot/states.js';
import { compareKeys, keyCells, keyText, MemoryTable } from './table.js';

const read_bytes = 1024 * 1024;

interface DecodedAt {
  readonly topic: number;
  readonly version: number;
  readonly flags: number;
  readonly event: DecodedEvent;
}

/**
 * Replays a log from its start the simplest way there is, one record at a time: what a follower must come to. For tests of
 * whatever writes a log.
 */
export class LogReplica {
  readonly #log: Log;
  readonly #codec: Codec;
  readonly #reader: ChainReader;
  readonly #names = new Map<number, string>();
  readonly #relations = new Map<string, Relation>();
  readonly #decoders = new Map<string, EventDecoder>();
  readonly #tables = new Map<number, MemoryTable>();
  /** Topics whose rows are not complete yet. */
  readonly building = new Set<number>();
  #running = new Map<number, readonly number[]>();
  /** Of those, the ones with nothing left to read: a bare `snapshotDone` is theirs. */
  #closing: number[] = [];
  position: Position = startOfHistory;
  readonly records: CountingRecord[] = [];
  snapshots: readonly SnapshotState[] = [];

  constructor(log: Log, codec: Codec) {
    this.#log = log;
    this.#codec = codec;
    this.#reader = new ChainReader(log, { kind: 'start' });
  }

  /** Applies everything that counts up to the head. */
  async catchUp(): Promise<void> {
    for (const counting of await this.#reader.readToHead()) {
      await this.#apply(counting);
      this.records.push(counting);
      this.position = counting.state.to;
    }
  }

  /** Rows of a table by its oid on the leader, sorted. */
  rows(oid: number): Row[] {
    for (const table of this.#tables.values())
      if (table.relation.id === oid) return [...table.rows].sort((a, b) => (String(a) < String(b) ? -1 : 1));
    return [];
  }

  get exact(): boolean {
    return this.building.size === 0;
  }

  async #apply({ record }: CountingRecord): Promise<void> {
    switch (record.kind) {
      case 'open':
        for (const { number, name } of record.layout) this.#names.set(number, name);
        for (const { topic, version, relation } of record.relations)
          this.#relations.set(`${topic}/${version}`, relation);
        this.snapshots = record.snapshots;
        this.#closeSnapshots(record.snapshots);
        for (const snapshot of unfinished(record.snapshots)) {
          if (this.#running.has(snapshot.id)) continue;
          const topics = snapshot.tables.map(({ topic }) => topic);
          this.#running.set(snapshot.id, topics);
          for (const topic of topics) if (!this.#tables.has(topic)) this.building.add(topic);
        }
        return;
      case 'layout':
        for (const { number, name } of record.topics) this.#names.set(number, name);
        return;
      case 'schema':
        this.#schema(record.shape.topic, record.shape.version, record.shape.relation);
        if (!record.repair) return;
        this.building.add(record.shape.topic);
        for (const [id, topics] of this.#running)
          this.#running.set(
            id,
            topics.filter((topic) => topic !== record.shape.topic),
          );
        return;
      case 'progress':
        await this.#batch(record);
        if (record.snapshotDone) this.#done(record.chunk?.snapshot ?? this.#closing.shift() ?? 0);
    }
  }

  #closeSnapshots(snapshots: readonly SnapshotState[]): void {
    for (const id of this.#closing) this.#running.delete(id);
    const left = new Set(unfinished(snapshots).map(({ id }) => id));
    this.#closing = [...this.#running.keys()].filter((id) => !left.has(id));
  }

  #done(snapshot: number): void {
    for (const topic of this.#running.get(snapshot) ?? []) this.building.delete(topic);
    this.#running.delete(snapshot);
  }

  #schema(topic: number, version: number, relation: Relation): void {
    this.#relations.set(`${topic}/${version}`, relation);
    const table = this.#tables.get(topic);
    if (!table || table.relation.id !== relation.id) this.#tables.set(topic, new MemoryTable(relation));
    else table.reshape(relation, (row) => mapRow(table.relation, relation, row));
  }

  async #batch(record: BatchRecord): Promise<void> {
    const events: { topic: number; version: number; flags: number; value: Uint8Array; absent: boolean[] }[] =
      [];
    const sink = {
      event: (topic: number, cursor: RecordCursor): void => {
        const columns = this.#relations.get(`${topic}/${cursor.relationVersion}`)?.columns.length ?? 0;
        events.push({
          topic,
          version: cursor.relationVersion,
          flags: cursor.flags,
          value: Uint8Array.from(cursor.value() ?? []),
          absent: Array.from({ length: columns }, (_, i) => cursor.isAbsent(i)),
        });
      },
    };
    const signal = new AbortController().signal;
    await readRecordEvents(this.#log, record, (topic) => this.#names.get(topic) ?? '', sink, {
      signal,
      max_bytes: read_bytes,
    });
    const decoded: DecodedAt[] = [];
    for (const { topic, version, flags, value, absent } of events) {
      const decoder = await this.#decoder(topic, version);
      decoded.push({
        topic,
        version,
        flags,
        event: decoder.decode(value, (column) => absent[column] === true),
      });
    }
    if (record.chunk?.window) this.#replaceRange(record, decoded);
    let base: Row | undefined;
    for (const { topic, version, flags, event } of decoded)
      base = this.#event(topic, version, flags, event, base);
  }

  /** A windowed chunk: rows in its range that it does not have are gone. Ranges are compared as the memory leader orders keys. */
  #replaceRange({ chunk }: BatchRecord, decoded: readonly DecodedAt[]): void {
    const table = chunk && this.#tables.get(chunk.table);
    if (!chunk?.window || !table?.keyed) return;
    const { after, upTo } = chunk.window;
    const keep = new Set(decoded.map(({ event }) => event.after && keyText(table.relation, event.after)));
    for (const row of table.rows) {
      const { relation } = table;
      const key = keyCells(relation, row);
      if (keep.has(keyText(relation, row))) continue;
      if ((after && compareKeys(relation, key, after) <= 0) || (upTo && compareKeys(relation, key, upTo) > 0))
        continue;
      table.apply({ op: 'delete', relation: table.relation, before: row, after: undefined, lsn: 0n });
    }
  }

  #event(
    topic: number,
    version: number,
    flags: number,
    { op, before, after }: DecodedEvent,
    moved?: Row,
  ): Row | undefined {
    const table = this.#tables.get(topic);
    const from = this.#relations.get(`${topic}/${version}`);
    if (!table || !from) throw new Error(`an event of topic ${topic} before its shape`);
    const { relation } = table;
    const apply = (kind: 'delete' | 'truncate' | 'insert', old?: Row, row?: Row): void =>
      table.apply({ op: kind, relation, before: old, after: row, lsn: 0n });
    const map = (row: Row): Row => mapRow(from, relation, row);
    if (op === 't') apply('truncate');
    if (op === 'd' && before) {
      const old = map(before);
      const present = this.#present(table, old);
      apply('delete', present ?? old);
      return (flags & eventFlags.keyChangeFirst) !== 0 ? present : undefined;
    }
    if ((op === 'c' || op === 'r' || op === 'u') && after) {
      const row = map(after);
      if (!table.keyed) {
        apply('insert', op === 'u' && before ? map(before) : undefined, row);
        return undefined;
      }
      const base = (flags & eventFlags.keyChangeSecond) !== 0 ? moved : this.#present(table, row);
      if (row.includes(undefined) && !base) {
        if (!this.building.has(topic)) throw new Error(`an absent cell of topic ${topic} cannot be filled`);
        return undefined;
      }
      const full = row.map((cell: Cell, i) => (cell === undefined ? base?.[i] : cell));
      apply('insert', this.#present(table, row), full);
    }
    return undefined;
  }

  #present(table: MemoryTable, row: Row): Row | undefined {
    return table.keyed ? table.get(table.relation.key.map((column) => String(row[column]))) : row;
  }

  async #decoder(topic: number, version: number): Promise<EventDecoder> {
    const name = `${topic}/${version}`;
    const known = this.#decoders.get(name);
    if (known) return known;
    const relation = this.#relations.get(name);
    if (!relation) throw new Error(`no shape ${name}`);
    const decoder = await this.#codec.decoder(this.#names.get(topic) ?? '', relation);
    this.#decoders.set(name, decoder);
    return decoder;
  }
}

/** Columns by attnum: added ones read as their missing value. */
function mapRow(from: Relation, to: Relation, row: Row): Row {
  if (from === to) return row;
  return to.columns.map((column) => {
    const at = from.columns.findIndex(({ attnum }) => attnum === column.attnum);
    return at < 0 ? column.missing : row[at];
  });
}
