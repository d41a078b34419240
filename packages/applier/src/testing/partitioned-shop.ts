import type { Codec } from '@millrace/codec';
import { MemoryFollowerStore, type MemoryState } from '@millrace/follower';
import { eventFlags, type Log } from '@millrace/log';
import type { Row } from '@millrace/model';
import { items, textColumn } from './items.js';
import { ScriptedChain, type ScriptedEvent } from './scripted-chain.js';

export const partitionCount = 4;
const topic = 1;
export const topicName = 'shop.public.items';
const firstEnd = 100n;
const keys = 40;

/** Where a key lives. Any function will do; capture has Kafka's. */
const partitionOfKey = (id: string): number => (Number(id) * 7 + 3) % partitionCount;

/** One commit's work on one partition; undefined rows are deleted. */
interface Step {
  readonly end: bigint;
  /** Undefined: a barrier, which concerns all partitions. */
  readonly partition: number | undefined;
  readonly apply: (rows: Map<string, Row>) => void;
}

/** A leader's random history on one table of four partitions, written into a chain, and replayed for comparison. */
export class PartitionedShop {
  readonly chain: ScriptedChain;
  readonly #random: () => number;
  readonly #steps: Step[] = [];
  readonly #rows = new Map<string, Row>();
  #relation = items;
  #end = firstEnd;

  constructor(log: Log, codec: Codec, random: () => number) {
    this.chain = new ScriptedChain(log, codec, firstEnd);
    this.#random = random;
  }

  get end(): bigint {
    return this.#end;
  }

  async open(): Promise<void> {
    await this.chain.open();
    await this.chain.table(topic, topicName, this.#relation, partitionCount);
  }

  /** One more commit of random content. */
  async commit(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.02) await this.#truncate();
    else if (dice < 0.03) await this.#addColumn();
    else if (dice < 0.06) await this.#moveWithAbsent();
    else if (dice < 0.08) await this.#idle();
    else await this.#ordinary();
  }

  /** The rows at the end of the history, by key. */
  rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
  }

  /** What is wrong with a committed state: each partition's rows must be the replay of its own events up to its own row (I4). */
  violation(state: MemoryState): string | undefined {
    const table = state.tables.get(topicName);
    if (!table) return undefined;
    for (const [partition, { position }] of (state.partitions ?? []).entries()) {
      const expected = new Map<string, Row>();
      for (const step of this.#steps) {
        if (step.end > position.end || (step.partition ?? partition) !== partition) continue;
        step.apply(expected);
      }
      const width = table.mirrored.relation.columns.length;
      const wanted = [...expected.values()].filter((row) => partitionOfKey(row[0] as string) === partition);
      const found = [...table.rows()].filter((row) => partitionOfKey(row[0] as string) === partition);
      const text = (rows: Row[]): string =>
        rows
          .map((row) => JSON.stringify(row.slice(0, width)))
          .sort()
          .join();
      if (text(found) !== text(wanted))
        return `partition ${partition} at ${position.end}: ${text(found)} instead of ${text(wanted)}`;
    }
    return undefined;
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #next(): bigint {
    this.#end += 10n;
    return this.#end;
  }

  #full(id: string): Row {
    const extra = this.#relation.columns.slice(3).map(({ name }) => `${name} of ${id}`);
    return [id, `name ${this.#end}`, `note ${this.#random().toFixed(4)}`, ...extra];
  }

  async #idle(): Promise<void> {
    await this.chain.transaction(this.#next(), []);
  }

  async #ordinary(): Promise<void> {
    const end = this.#next();
    const events: ScriptedEvent[] = [];
    const count = 1 + Math.floor(this.#random() * 5);
    for (let i = 0; i < count; i++) this.#change(end, events);
    await this.chain.transaction(end, events);
  }

  #change(end: bigint, events: ScriptedEvent[]): void {
    const id = String(Math.floor(this.#random() * keys));
    const present = this.#rows.get(id);
    const partition = partitionOfKey(id);
    if (!present) {
      const after = this.#full(id);
      events.push({ topic, op: 'c', after, partition });
      this.#put(end, partition, after);
      return;
    }
    const dice = this.#random();
    if (dice < 0.25) {
      events.push({ topic, op: 'd', before: present, partition });
      this.#delete(end, partition, id);
    } else if (dice < 0.5) {
      const after = [id, `name ${end}`, undefined, ...present.slice(3)];
      events.push({ topic, op: 'u', after, partition });
      this.#put(end, partition, [id, `name ${end}`, present[2], ...present.slice(3)]);
    } else if (dice < 0.75) {
      const after = this.#full(id);
      events.push({ topic, op: 'u', after, partition });
      this.#put(end, partition, after);
    } else this.#changeKey(end, present, events);
  }

  /** A key change with a whole new image: a delete on one partition, an insert on another, and no barrier. */
  #changeKey(end: bigint, present: Row, events: ScriptedEvent[]): void {
    const free = Array.from({ length: keys }, (_, i) => String(i)).filter((id) => !this.#rows.has(id));
    const to = this.#pick(free);
    if (to === undefined) return;
    const id = present[0] as string;
    const after = this.#full(to);
    events.push(
      { topic, op: 'd', before: present, partition: partitionOfKey(id), flags: eventFlags.keyChangeFirst },
      { topic, op: 'c', after, partition: partitionOfKey(to), flags: eventFlags.keyChangeSecond },
    );
    this.#delete(end, partitionOfKey(id), id);
    this.#put(end, partitionOfKey(to), after);
  }

  /** R26: the new image lacks a column, which only the old row has. */
  async #moveWithAbsent(): Promise<void> {
    const present = this.#pick([...this.#rows.values()]);
    const free = Array.from({ length: keys }, (_, i) => String(i)).filter((id) => !this.#rows.has(id));
    const to = this.#pick(free);
    if (!present || to === undefined) return;
    const end = this.#next();
    const id = present[0] as string;
    const after: Row = [to, `moved ${end}`, undefined, ...present.slice(3)];
    await this.chain.transaction(
      end,
      [
        { topic, op: 'd', before: present, partition: partitionOfKey(id), flags: eventFlags.keyChangeFirst },
        { topic, op: 'c', after, partition: partitionOfKey(to), flags: eventFlags.keyChangeSecond },
      ],
      { barrier: true },
    );
    this.#delete(end, undefined, id);
    this.#put(end, undefined, [to, `moved ${end}`, present[2], ...present.slice(3)]);
  }

  async #truncate(): Promise<void> {
    const end = this.#next();
    await this.chain.transaction(end, [{ topic, op: 't', partition: 0 }], { barrier: true });
    this.#rows.clear();
    this.#steps.push({ end, partition: undefined, apply: (rows) => rows.clear() });
  }

  async #addColumn(): Promise<void> {
    if (this.#relation.columns.length > 6) return;
    const attnum = this.#relation.columns.length + 1;
    const added = textColumn(attnum, `extra${attnum}`, `missing ${attnum}`);
    this.#relation = { ...this.#relation, columns: [...this.#relation.columns, added] };
    await this.chain.schema(topic, this.#relation, [{ kind: 'add-column', column: added }]);
    const widen = (rows: Map<string, Row>): void => {
      for (const [id, row] of rows) rows.set(id, [...row, added.missing]);
    };
    widen(this.#rows);
    // The shape stands at the position of the commit before it, and is there before any later event.
    this.#steps.push({ end: this.#end, partition: undefined, apply: widen });
  }

  #put(end: bigint, partition: number | undefined, row: Row): void {
    const id = row[0] as string;
    this.#rows.set(id, row);
    this.#steps.push({ end, partition, apply: (rows) => void rows.set(id, row) });
  }

  #delete(end: bigint, partition: number | undefined, id: string): void {
    this.#rows.delete(id);
    this.#steps.push({ end, partition, apply: (rows) => void rows.delete(id) });
  }
}

/** A store that holds every committed state against the history, and every position against the one before. */
export class WatchedStore extends MemoryFollowerStore {
  readonly violations: string[] = [];
  readonly #shop: () => PartitionedShop;

  constructor(shop: () => PartitionedShop) {
    super();
    this.#shop = shop;
  }

  override commitPartitions(...change: Parameters<MemoryFollowerStore['commitPartitions']>): boolean {
    const before = this.state.partitions ?? [];
    if (!super.commitPartitions(...change)) return false;
    for (const [i, { position, generation }] of (this.state.partitions ?? []).entries()) {
      const was = before[i];
      if (was && was.generation === generation && was.position.end > position.end)
        this.violations.push(`partition ${i} went back from ${was.position.end} to ${position.end}`);
    }
    return true;
  }

  /** To be called between commits of the leader. */
  check(): void {
    const violation = this.#shop().violation(this.state);
    if (violation !== undefined) this.violations.push(violation);
  }
}
