import type { MirroredTable, TableBatch } from '@millrace/follower';
import { type Row, relationName } from '@millrace/model';
import { assert } from '@millrace/runtime';
import { hasAbsent, keyOf, keyText, overlay } from './cells.js';
import { type Coalescer, emptyBatch, type TableEvent } from './table-event.js';

/** What a key comes to. `fresh`: the follower had no row of this key before the batch. */
type Outcome =
  | { readonly kind: 'upsert'; readonly row: Row; readonly fresh: boolean }
  | { readonly kind: 'patch'; readonly row: Row }
  | { readonly kind: 'delete'; readonly key: Row };

/** Coalesces per key. */
export class KeyedRows implements Coalescer {
  readonly #table: MirroredTable;
  readonly #building: () => boolean;
  readonly #outcomes = new Map<string, Outcome>();
  /** Rows that move within the open batch, and the keys they leave and take: nothing else of those keys may join it. */
  #moves: { readonly key: Row; readonly row: Row }[] = [];
  readonly #movedKeys = new Set<string>();
  #closed: TableBatch[] = [];
  /** First half of a key change, until the second arrives with the next ordinal. */
  #oldKey: Row | undefined;

  constructor(table: MirroredTable, building: () => boolean) {
    this.#table = table;
    this.#building = building;
  }

  get rows(): number {
    return this.#outcomes.size + this.#moves.length + this.#closed.length;
  }

  add(event: TableEvent): void {
    const { key } = this.#table.relation;
    if (event.half === 'first') {
      this.#oldKey = keyOf(event.before as Row, key);
      return;
    }
    const { after } = event;
    if (event.half === 'second' && after && this.#oldKey) this.#changeKey(this.#oldKey, after);
    else if (event.op === 'd') this.#remove(keyOf(event.before as Row, key));
    else if (after) this.#put(after, event.op === 'c');
    this.#oldKey = undefined;
  }

  /** `inserted`: the leader says that no row of this key stood here before. */
  #put(row: Row, inserted: boolean): void {
    const id = keyText(row, this.#table.relation.key);
    const earlier = this.#earlier(id);
    if (!hasAbsent(row)) {
      const fresh = earlier ? earlier.kind === 'upsert' && earlier.fresh : inserted;
      this.#outcomes.set(id, { kind: 'upsert', row, fresh });
      return;
    }
    switch (earlier?.kind) {
      case 'upsert':
        this.#outcomes.set(id, { ...earlier, row: overlay(earlier.row, row) });
        return;
      case 'patch':
        this.#outcomes.set(id, { kind: 'patch', row: overlay(earlier.row, row) });
        return;
      case 'delete':
        // Only while building can an update follow a delete; the row is not here, and stays so until a chunk brings it (R30).
        assert(this.#building(), `an update of a deleted row of ${relationName(this.#table.relation)}`);
        return;
      default:
        this.#outcomes.set(id, { kind: 'patch', row });
    }
  }

  /** What this key came to in the open batch; a key that takes part in a move closes the batch first. */
  #earlier(id: string): Outcome | undefined {
    if (this.#movedKeys.has(id)) this.#close();
    return this.#outcomes.get(id);
  }

  #remove(key: Row): void {
    const id = keyIdentity(key);
    const earlier = this.#earlier(id);
    // Made and deleted within the batch: nothing is to be done, unless the follower may hold a stale row of this key.
    if (earlier?.kind === 'upsert' && earlier.fresh && !this.#building()) this.#outcomes.delete(id);
    else this.#outcomes.set(id, { kind: 'delete', key });
  }

  /** A key change: a delete and an insert when the new image is whole, or can be made so; otherwise the row itself moves. */
  #changeKey(oldKey: Row, after: Row): void {
    const oldId = keyIdentity(oldKey);
    const earlier = this.#earlier(oldId);
    const row = earlier?.kind === 'upsert' ? overlay(earlier.row, after) : after;
    if (!hasAbsent(row)) {
      this.#remove(oldKey);
      this.#put(row, true);
      return;
    }
    const newId = keyText(row, this.#table.relation.key);
    // What the old row and the new key came to so far must be in the follower before the row moves.
    if (earlier || this.#earlier(newId)) this.#close();
    this.#moves.push({ key: oldKey, row });
    this.#movedKeys.add(oldId).add(newId);
  }

  clear(): void {
    this.#outcomes.clear();
    this.#forgetMoves();
    this.#closed = [];
    this.#oldKey = undefined;
  }

  take(): TableBatch[] {
    this.#close();
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  #close(): void {
    if (this.#outcomes.size === 0 && this.#moves.length === 0) return;
    const upserts: Row[] = [];
    const patches: Row[] = [];
    const deletes: Row[] = [];
    for (const outcome of this.#outcomes.values()) {
      if (outcome.kind === 'upsert') upserts.push(outcome.row);
      else if (outcome.kind === 'patch') patches.push(outcome.row);
      else deletes.push(outcome.key);
    }
    this.#closed.push({ ...emptyBatch(this.#table), upserts, patches, deletes, moves: this.#moves });
    this.#outcomes.clear();
    this.#forgetMoves();
  }

  #forgetMoves(): void {
    this.#moves = [];
    this.#movedKeys.clear();
  }
}

/** Identity of a key given as its own cells. */
const keyIdentity = (key: Row): string =>
  keyText(
    key,
    key.map((_, i) => i),
  );
