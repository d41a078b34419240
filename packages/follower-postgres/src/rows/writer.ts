import { Buffer } from 'node:buffer';
import type { TableBatch } from '@millrace/follower';
import { type Cell, type Row, relationName } from '@millrace/model';
import type { PgSession } from '@millrace/postgres';
import { assert, Fault, isFault } from '@millrace/runtime';
import { run, type Statement } from '../store/sessions.js';
import { columnLiteral } from './array-literal.js';
import { copyIn, copyText } from './copy-in.js';
import { type CopyRows, rowsOfCopy } from './copy-sink.js';
import type { Lane } from './lane.js';
import type { TableStatements } from './statements.js';

/** Rows per statement: beyond a few thousand nothing is gained, and the literals stay small. */
const rowsPerStatement_max = 5_000;
/** UTF-16 units of cells per statement; a row larger than this travels alone. */
const textPerStatement_max = 4_000_000;
/** From how many rows on COPY is worth its extra round trips. */
const rowsPerCopy_min = 200;

/**
 * Writes one batch in the port's order: deletes, moves, patches, upserts; removes, inserts. Everything is turned into
 * statements before `write` returns; the last one may still be under way in the lane.
 */
export class RowWriter {
  readonly #session: PgSession;
  readonly #lane: Lane;
  readonly #table: TableStatements;
  readonly #building: boolean;

  constructor(session: PgSession, lane: Lane, table: TableStatements, building: boolean) {
    this.#session = session;
    this.#lane = lane;
    this.#table = table;
    this.#building = building;
  }

  async write(batch: TableBatch): Promise<void> {
    if (batch.newRows) {
      await this.#addNew(batch.newRows as CopyRows);
      return;
    }
    const { key } = this.#table.relation;
    await this.#each(batch.deletes, (rows) =>
      this.#run('deleting', this.#table.deletes, this.#columns(rows, key), rows.length),
    );
    await this.#moves(batch.moves);
    await this.#patches(batch.patches);
    await this.#each(batch.upserts, (rows) => this.#upsert(this.#whole(rows)));
    await this.#each(batch.removes, (rows) =>
      this.#run('removing', this.#table.removes, this.#columns(this.#whole(rows)), rows.length),
    );
    await this.#each(batch.inserts, (rows) => this.#insert(this.#whole(rows)));
  }

  /**
   * Rows of a snapshot are new as a rule: while building, large batches are tried by COPY, two to three times as fast. The first
   * one that meets a row ends that for this table.
   */
  async #upsert(rows: readonly Row[]): Promise<void> {
    assert(this.#table.relation.key.length > 0, 'upserts need a key');
    const values = (): string[] => this.#columns(rows);
    if (!this.#building || rows.length < rowsPerCopy_min || this.#table.metRows) {
      await this.#run('upserting', this.#table.upsert, values());
      return;
    }
    const text = Buffer.from(copyText(rows));
    await this.#lane.settle();
    if (await this.#copiedWithoutMeetingRows(text)) return;
    this.#table.metRows = true;
    await this.#run('upserting', this.#table.upsert, values());
  }

  /** Rows that the leader inserted: by COPY where they are many, and one by one where the follower has rows of its own in their way. */
  async #addNew(rows: CopyRows): Promise<void> {
    const isKeyed = this.#table.relation.key.length > 0;
    if (rows.count < rowsPerCopy_min) {
      const statement = isKeyed ? this.#table.upsert : this.#table.insert;
      await this.#each(rowsOfCopy(rows), (some) => this.#run('inserting', statement, this.#columns(some)));
      return;
    }
    await this.#lane.start(async () => {
      if (!isKeyed) return await copyIn(this.#session, this.#doing('copying'), this.#table.copy, rows.bytes);
      if (await this.#copiedWithoutMeetingRows(rows.bytes)) return;
      this.#table.metRows = true;
      await this.#each(rowsOfCopy(rows), async (some) => {
        await run(this.#session, this.#doing('upserting'), this.#table.upsert, this.#columns(some));
      });
    });
  }

  async #copiedWithoutMeetingRows(text: Buffer): Promise<boolean> {
    const doing = this.#doing('copying');
    await this.#session.query(doing, 'SAVEPOINT millrace_copy');
    try {
      await copyIn(this.#session, doing, this.#table.copy, text);
    } catch (error) {
      if (!isMetRow(error)) throw error;
      await this.#session.query(
        doing,
        'ROLLBACK TO SAVEPOINT millrace_copy; RELEASE SAVEPOINT millrace_copy',
      );
      return false;
    }
    await this.#session.query(doing, 'RELEASE SAVEPOINT millrace_copy');
    return true;
  }

  async #insert(rows: readonly Row[]): Promise<void> {
    if (rows.length < rowsPerCopy_min) {
      await this.#run('inserting', this.#table.insert, this.#columns(rows));
      return;
    }
    const text = Buffer.from(copyText(rows));
    await this.#lane.start(() => copyIn(this.#session, this.#doing('copying'), this.#table.copy, text));
  }

  /** Patches grouped by which cells are present: one statement per group. */
  async #patches(patches: readonly Row[]): Promise<void> {
    const { key } = this.#table.relation;
    for (const [present, rows] of byPresence(patches)) {
      const set = present.filter((i) => !key.includes(i));
      await this.#each(rows, async (some) => {
        const values = [...this.#keyCells(some), ...set.map((i) => this.#literal(some, i, i))];
        await this.#run('updating', this.#table.patch(set), values, some.length);
      });
    }
  }

  async #moves(moves: TableBatch['moves']): Promise<void> {
    const keyOf = new Map(moves.map((move) => [move.row, move.key]));
    for (const [present, rows] of byPresence(moves.map((move) => move.row))) {
      await this.#each(rows, async (some) => {
        const keys = some.map((row) => keyOf.get(row) as Row);
        const values = [
          ...this.#columns(keys, this.#table.relation.key),
          ...present.map((i) => this.#literal(some, i, i)),
        ];
        await this.#run('moving', this.#table.move(present), values, some.length);
      });
    }
  }

  /** Column literals of rows whose cells stand in the order of `columns`; all columns of the table by default. */
  #columns(rows: readonly Row[], columns?: readonly number[]): string[] {
    const which = columns ?? this.#table.relation.columns.map((_, i) => i);
    return which.map((column, at) => this.#literal(rows, at, column));
  }

  #keyCells(rows: readonly Row[]): string[] {
    return this.#table.relation.key.map((i) => this.#literal(rows, i, i));
  }

  #literal(rows: readonly Row[], at: number, column: number): string {
    return columnLiteral(rows, at, this.#table.form(column));
  }

  /** Sends a statement whose values are ready; `expected` is how many rows it must touch (R30). */
  async #run(
    doing: string,
    statement: Statement,
    values: readonly string[],
    expected?: number,
  ): Promise<void> {
    await this.#lane.start(async () => {
      const { count } = await run(this.#session, this.#doing(doing), statement, values);
      if (this.#building || expected === undefined || count === expected) return;
      throw new Fault('MR-4010', {
        detail: `${doing} ${expected} rows of ${relationName(this.#table.relation)} found only ${count} of them.`,
      });
    });
  }

  #doing(what: string): string {
    return `${what} rows of ${relationName(this.#table.relation)}`;
  }

  #whole(rows: readonly Row[]): readonly Row[] {
    for (const row of rows) {
      assert(
        row.length === this.#table.relation.columns.length && !row.includes(undefined),
        `a whole row of ${relationName(this.#table.relation)} has a cell in every column`,
      );
    }
    return rows;
  }

  /** Bounded slices, in order. */
  async #each(rows: readonly Row[], write: (some: readonly Row[]) => Promise<void>): Promise<void> {
    for (let from = 0; from < rows.length; ) {
      const to = sliceEnd(rows, from);
      await write(from === 0 && to === rows.length ? rows : rows.slice(from, to));
      from = to;
    }
  }
}

/** Where the slice that starts at `from` ends: at most `rowsPerStatement_max` rows and `textPerStatement_max` units, at least one row. */
export function sliceEnd(rows: readonly Row[], from: number): number {
  const limit = Math.min(rows.length, from + rowsPerStatement_max);
  let text = 0;
  for (let i = from; i < limit; i++) {
    for (const cell of rows[i] as Row) text += cell?.length ?? 0;
    if (text > textPerStatement_max) return Math.max(i, from + 1);
  }
  return limit;
}

/** Groups rows by their present columns, keeping order within a group. */
function byPresence(rows: readonly Row[]): [number[], Row[]][] {
  const groups = new Map<string, [number[], Row[]]>();
  for (const row of rows) {
    const present: number[] = [];
    row.forEach((cell: Cell, i) => {
      if (cell !== undefined) present.push(i);
    });
    const id = present.join();
    const group = groups.get(id);
    if (group) group[1].push(row);
    else groups.set(id, [present, [row]]);
  }
  return [...groups.values()];
}

/** A unique index, the key's or another, found the row there already. */
function isMetRow(error: unknown): boolean {
  return isFault(error, 'MR-4006') && error.context.sqlstate === '23505';
}
