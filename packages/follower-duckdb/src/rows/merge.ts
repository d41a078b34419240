import type { MirroredTable, TableBatch } from '@millrace/follower';
import { type Cell, type Row, relationName } from '@millrace/model';
import { assert, Fault } from '@millrace/runtime';
import type { Engine } from '../engine/engine.js';
import type { HeldColumn, TableLayout } from '../table/layout.js';
import { standInName } from '../table/names.js';
import type { NewChunks } from './new-rows.js';
import {
  appendChunks,
  createStage,
  fillStage,
  keyColumns,
  rowColumns,
  type StagedColumn,
  stagePlace,
} from './stage.js';

/** Rows per merge. Each merge looks at the table's key columns once, so fewer are slower; more take memory. */
const rowsPerMerge_max = 50_000;
/** UTF-16 units of cells per merge; a row larger than this is merged alone. */
const textPerMerge_max = 8_000_000;

/**
 * Writes batches into one table by staging and merging: DuckDB keeps no index on mirrored tables (an index takes memory by the
 * size of the table), so rows are found by one hash join per merge.
 */
export class Merge {
  readonly #engine: Engine;
  readonly #table: TableLayout;
  readonly #building: boolean;

  constructor(engine: Engine, table: TableLayout, building: boolean) {
    this.#engine = engine;
    this.#table = table;
    this.#building = building;
  }

  /** In the port's order: deletes, moves, patches, upserts; removes, inserts. */
  async write(batch: TableBatch): Promise<void> {
    await this.#each(batch.deletes, (keys) => this.#delete(keys));
    await this.#rewrites(batch.moves.map(({ key, row }) => ({ key, row })));
    await this.#rewrites(batch.patches.map((row) => ({ key: this.#keyOf(row), row })));
    await this.#each(batch.upserts, (rows) => this.#upsert(rows));
    await this.#each(batch.removes, (rows) => this.#remove(rows));
    await this.#each(batch.inserts, (rows) => this.#insert(rows));
  }

  /** The leader says that nothing of these keys is there; what is there nevertheless, somebody else's, is replaced. */
  async add({ chunks }: NewChunks): Promise<void> {
    const stage = stageName(this.#table, 'new');
    const columns = rowColumns(this.#table.columns, [], this.#everyColumn);
    // By way of a stage: after schema changes the file's order of columns need not be the leader's.
    await createStage(this.#engine, stage, columns);
    await appendChunks(this.#engine, stagePlace(stage), chunks);
    if (this.#table.key.length > 0) await this.#replace(stage);
    else await this.#insertFrom(stage);
    await this.#dropStage(stage);
  }

  async #delete(keys: readonly Row[]): Promise<void> {
    await this.#withStage('keys', keyColumns(this.#table.keyColumns, keys), keys.length, async (stage) => {
      const sql = `DELETE FROM ${this.#table.sql} AS t USING ${stage} AS s WHERE ${this.#keyMatches('k')}`;
      this.#found('deleting', await this.#run('deleting rows', sql), keys.length);
    });
  }

  async #upsert(rows: readonly Row[]): Promise<void> {
    assert(this.#table.key.length > 0, 'upserts need a key');
    await this.#withStage('rows', this.#wholeRows(rows), rows.length, (stage) => this.#replace(stage));
  }

  async #replace(stage: string): Promise<void> {
    await this.#run(
      'replacing rows',
      `DELETE FROM ${this.#table.sql} AS t USING ${stage} AS s WHERE ${this.#keyMatches('c')}`,
    );
    await this.#insertFrom(stage);
  }

  async #insert(rows: readonly Row[]): Promise<void> {
    await this.#withStage('rows', this.#wholeRows(rows), rows.length, (stage) => this.#insertFrom(stage));
  }

  /** One copy each, nulls equal. */
  async #remove(rows: readonly Row[]): Promise<void> {
    await this.#withStage('rows', this.#wholeRows(rows), rows.length, async (stage) => {
      const cells = this.#table.columns.map((column, i) => [
        comparable(column, `t.${column.sql}`),
        `c${i}`,
        comparable(column, `c${i}`),
      ]);
      const grouped = cells.map(([, name, value]) => `${value} AS ${name}`).join(', ');
      const matches = cells.map(([stored, name]) => `${stored} IS NOT DISTINCT FROM s.${name}`).join(' AND ');
      const sql = `DELETE FROM ${this.#table.sql} WHERE rowid IN (
          SELECT address FROM (
            SELECT t.rowid AS address, s.copies, row_number() OVER (PARTITION BY s.id) AS copy
            FROM (SELECT *, row_number() OVER () AS id FROM (SELECT ${grouped}, count(*) AS copies FROM ${stage} GROUP BY ALL)) AS s
              JOIN ${this.#table.sql} AS t ON ${matches})
          WHERE copy <= copies)`;
      this.#found('removing', await this.#run('removing rows', sql), rows.length);
    });
  }

  /**
   * Patches and moves: the new rows are put together from the old ones, then old ones go and new ones come. An UPDATE would
   * keep old and new values of every row in memory until the next checkpoint.
   */
  async #rewrites(changes: readonly Rewrite[]): Promise<void> {
    for (const [present, some] of byPresence(changes)) {
      await this.#each(some, (few) => this.#rewrite(present, few));
    }
  }

  async #rewrite(present: readonly number[], changes: readonly Rewrite[]): Promise<void> {
    const rows = changes.map(({ row }) => row);
    const keys = changes.map(({ key }) => key);
    const staged = [
      ...keyColumns(this.#table.keyColumns, keys),
      ...rowColumns(this.#table.columns, rows, present),
    ];
    await this.#withStage(`changes ${present.join()}`, staged, changes.length, async (stage) => {
      const cells = this.#table.columns.map((column, i) =>
        present.includes(i) ? `s.c${i}` : `t.${column.sql}`,
      );
      const merged = stageName(this.#table, 'merged');
      await this.#run(
        'putting rows together',
        `CREATE OR REPLACE TEMP TABLE ${merged} AS SELECT ${cells.map((cell, i) => `${cell} AS c${i}`).join(', ')}
         FROM ${this.#table.sql} AS t JOIN ${stage} AS s ON ${this.#keyMatches('k')}`,
      );
      const sql = `DELETE FROM ${this.#table.sql} AS t USING ${stage} AS s WHERE ${this.#keyMatches('k')}`;
      this.#found('updating', await this.#run('replacing rows', sql), changes.length);
      await this.#insertFrom(merged);
      await this.#run('clearing the stage', `DROP TABLE ${merged}`);
    });
  }

  async #insertFrom(stage: string): Promise<void> {
    const cells = this.#table.columns.map((_, i) => `c${i}`).join(', ');
    await this.#run(
      'inserting rows',
      `INSERT INTO ${this.#table.sql} (${this.#table.columnList}) SELECT ${cells} FROM ${stage}`,
    );
  }

  /** Deletes rows within `bounds` whose key is not among `keep`. */
  async deleteRange(bounds: readonly string[], keep: readonly Row[]): Promise<void> {
    await this.#withStage('kept', keyColumns(this.#table.keyColumns, keep), keep.length, async (stage) => {
      const kept = `NOT EXISTS (SELECT 1 FROM ${stage} AS s WHERE ${this.#keyMatches('k')})`;
      await this.#run(
        'deleting a range',
        `DELETE FROM ${this.#table.sql} AS t WHERE ${[...bounds, kept].join(' AND ')}`,
      );
    });
  }

  async #withStage(
    kind: string,
    columns: readonly StagedColumn[],
    rows: number,
    use: (stage: string) => Promise<void>,
  ): Promise<void> {
    const stage = stageName(this.#table, kind);
    await fillStage(this.#engine, this.#table.relation, stage, columns, rows);
    await use(stage);
    await this.#dropStage(stage);
  }

  /** Dropped, not emptied: until the transaction ends an emptied table keeps its memory, and there may be hundreds of them. */
  async #dropStage(stage: string): Promise<void> {
    await this.#run('clearing the stage', `DROP TABLE ${stage}`);
  }

  get #everyColumn(): number[] {
    return this.#table.columns.map((_, i) => i);
  }

  #wholeRows(rows: readonly Row[]): StagedColumn[] {
    const width = this.#table.columns.length;
    for (const row of rows) {
      assert(
        row.length === width && !row.includes(undefined),
        `a whole row of ${relationName(this.#table.relation)} has a cell in every column`,
      );
    }
    return rowColumns(this.#table.columns, rows, this.#everyColumn);
  }

  #keyOf(row: Row): Cell[] {
    return this.#table.key.map((index) => row[index]);
  }

  /** Staged keys stand under `k` by their place in the key, or under `c` by their place in the row. */
  #keyMatches(under: 'k' | 'c'): string {
    return this.#table.key
      .map(
        (index, at) =>
          `t.${(this.#table.columns[index] as HeldColumn).sql} = s.${under === 'k' ? `k${at}` : `c${index}`}`,
      )
      .join(' AND ');
  }

  async #run(doing: string, sql: string): Promise<number> {
    return await this.#engine.write(`${doing} of ${relationName(this.#table.relation)}`, sql);
  }

  /** R30: a row that is not there is nothing while building, and tampering while exact. */
  #found(doing: string, count: number, expected: number): void {
    if (this.#building || count === expected) return;
    throw new Fault('MR-4010', {
      detail: `${doing} ${expected} rows of ${relationName(this.#table.relation)} found ${count} of them.`,
    });
  }

  async #each<T extends Row | Rewrite>(
    rows: readonly T[],
    write: (some: readonly T[]) => Promise<void>,
  ): Promise<void> {
    for (let from = 0; from < rows.length; ) {
      const to = mergeEnd(rows, from);
      await write(from === 0 && to === rows.length ? rows : rows.slice(from, to));
      from = to;
    }
  }
}

interface Rewrite {
  readonly key: Row;
  readonly row: Row;
}

const cellsOf = (item: Row | Rewrite): Row => ('row' in item ? item.row : item);

/** Where the merge that starts at `from` ends: bounded in rows and text, at least one row. */
export function mergeEnd(rows: readonly (Row | Rewrite)[], from: number): number {
  const limit = Math.min(rows.length, from + rowsPerMerge_max);
  let text = 0;
  for (let i = from; i < limit; i++) {
    for (const cell of cellsOf(rows[i] as Row | Rewrite)) text += cell?.length ?? 0;
    if (text > textPerMerge_max) return Math.max(i, from + 1);
  }
  return limit;
}

/** Stages are per table and purpose: the same columns under the same name for as long as the table has this shape. */
function stageName(table: TableLayout, purpose: string): string {
  const { topic, version } = table.mirrored;
  return standInName(JSON.stringify([topic, version, table.relation.id, purpose]));
}

/** Whole rows compare by what distinguishes their text. */
const comparable = ({ held }: HeldColumn, sql: string): string =>
  held.comparesAsText ? `CAST(${sql} AS VARCHAR)` : sql;

function byPresence(changes: readonly Rewrite[]): [number[], Rewrite[]][] {
  const groups = new Map<string, [number[], Rewrite[]]>();
  for (const change of changes) {
    const present = change.row.flatMap((cell, i) => (cell === undefined ? [] : [i]));
    const id = present.join();
    const group = groups.get(id);
    if (group) group[1].push(change);
    else groups.set(id, [present, [change]]);
  }
  return [...groups.values()];
}

/** A batch of nothing, to be filled in. */
export const emptyBatch = (table: MirroredTable): TableBatch => ({
  table,
  upserts: [],
  patches: [],
  moves: [],
  deletes: [],
  inserts: [],
  removes: [],
});
