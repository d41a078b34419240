import type { TableBatch } from '@millrace/follower';
import { type Cell, type Row, relationName } from '@millrace/model';
import type { PgSession } from '@millrace/postgres';
import { assert, Fault } from '@millrace/runtime';
import { run, type Statement } from '../store/sessions.js';
import { columnLiteral } from './array-literal.js';
import type { TableStatements } from './statements.js';

/** Rows per statement: beyond a few thousand nothing is gained, and the literals stay small. */
const rowsPerStatement_max = 5_000;
/** UTF-16 units of cells per statement; a row larger than this travels alone. */
const textPerStatement_max = 4_000_000;

/** Writes one batch in the port's order: deletes, moves, patches, upserts; removes, inserts. */
export class RowWriter {
  readonly #session: PgSession;
  readonly #table: TableStatements;
  readonly #building: boolean;

  constructor(session: PgSession, table: TableStatements, building: boolean) {
    this.#session = session;
    this.#table = table;
    this.#building = building;
  }

  async write(batch: TableBatch): Promise<void> {
    const { key } = this.#table.relation;
    await this.#each(batch.deletes, async (rows) =>
      this.#found(
        'deleting',
        await this.#run('deleting rows', this.#table.deletes, this.#columns(rows, key)),
        rows,
      ),
    );
    await this.#moves(batch.moves);
    await this.#patches(batch.patches);
    await this.#each(batch.upserts, async (rows) => {
      assert(key.length > 0, 'upserts need a key');
      await this.#run('upserting rows', this.#table.upsert, this.#columns(this.#whole(rows)));
    });
    await this.#each(batch.removes, async (rows) =>
      this.#found(
        'removing',
        await this.#run('removing rows', this.#table.removes, this.#columns(this.#whole(rows))),
        rows,
      ),
    );
    await this.#each(batch.inserts, async (rows) => {
      await this.#run('inserting rows', this.#table.insert, this.#columns(this.#whole(rows)));
    });
  }

  /** Patches grouped by which cells are present: one statement per group. */
  async #patches(patches: readonly Row[]): Promise<void> {
    const { key } = this.#table.relation;
    for (const [present, rows] of byPresence(patches)) {
      const set = present.filter((i) => !key.includes(i));
      await this.#each(rows, async (some) => {
        const values = [...this.#keyCells(some), ...set.map((i) => this.#literal(some, i, i))];
        this.#found('updating', await this.#run('updating rows', this.#table.patch(set), values), some);
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
        this.#found('moving', await this.#run('moving rows', this.#table.move(present), values), some);
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

  async #run(doing: string, statement: Statement, values: readonly string[]): Promise<number> {
    const name = relationName(this.#table.relation);
    return (await run(this.#session, `${doing} of ${name}`, statement, values)).count;
  }

  /** R30: a row that is not there is nothing while building, and tampering while exact. */
  #found(doing: string, count: number, rows: readonly unknown[]): void {
    if (this.#building || count === rows.length) return;
    throw new Fault('MR-4010', {
      detail: `${doing} ${rows.length} rows of ${relationName(this.#table.relation)} found only ${count} of them.`,
    });
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
