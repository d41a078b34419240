import { type DuckDBAppender, DuckDBDataChunk, type DuckDBValue } from '@duckdb/node-api';
import type { Cell, Relation, Row } from '@millrace/model';
import type { Engine } from '../engine/engine.js';
import { type HeldColumn, readCell } from '../table/layout.js';

/** DuckDB's vector size: rows per data chunk. */
export const rowsPerChunk = 2048;

/** A column of a stage: which cell of the given rows it takes. */
export interface StagedColumn extends HeldColumn {
  /** Name in the stage. */
  readonly name: string;
  /** Of row number `i` of what is staged. */
  cell(i: number): Cell;
}

/**
 * Fills a temporary table with rows through data chunks, the fastest way in. The stage belongs to the writer's connection
 * and transaction: when that rolls back, it is gone too.
 */
export async function fillStage(
  engine: Engine,
  relation: Relation,
  stage: string,
  columns: readonly StagedColumn[],
  rows: number,
): Promise<void> {
  await createStage(engine, stage, columns);
  await append(engine, stagePlace(stage), columns, rows, relation);
}

export async function createStage(
  engine: Engine,
  stage: string,
  columns: readonly StagedColumn[],
): Promise<void> {
  const shape = columns.map(({ name, held }) => `${name} ${held.sql}`).join(', ');
  await engine.write('staging rows', `CREATE TEMP TABLE ${stage} (${shape})`);
}

export const stagePlace = (stage: string): AppendTarget => ({
  table: stage,
  schema: 'main',
  catalog: 'temp',
});

/** A table by its unquoted names. */
export interface AppendTarget {
  readonly table: string;
  readonly schema: string;
  /** Default: the open file's. */
  readonly catalog?: string;
}

/** Appends rows to a table, column by column in chunks. */
export async function append(
  engine: Engine,
  target: AppendTarget,
  columns: readonly StagedColumn[],
  rows: number,
  relation: Relation,
): Promise<void> {
  await appendChunks(engine, target, chunksOf(columns, rows, relation));
}

function* chunksOf(
  columns: readonly StagedColumn[],
  rows: number,
  relation: Relation,
): Generator<DuckDBDataChunk, void, void> {
  const types = columns.map(({ held }) => held.type);
  for (let from = 0; from < rows; from += rowsPerChunk) {
    const count = Math.min(rowsPerChunk, rows - from);
    const chunk = DuckDBDataChunk.create(types, count);
    columns.forEach((column, at) => {
      const values = new Array<DuckDBValue>(count);
      for (let i = 0; i < count; i++) values[i] = readCell(column, column.cell(from + i), relation);
      chunk.setColumnValues(at, values);
    });
    yield chunk;
  }
}

/** Appends chunks whose columns are the table's. */
export async function appendChunks(
  engine: Engine,
  target: AppendTarget,
  chunks: Iterable<DuckDBDataChunk>,
): Promise<void> {
  let appender: DuckDBAppender | undefined;
  try {
    appender = await engine.writer.createAppender(target.table, target.schema, target.catalog ?? null);
    for (const chunk of chunks) appender.appendDataChunk(chunk);
    appender.flushSync();
  } catch (error) {
    // What is still buffered must not reach the table when the appender closes.
    appender?.clear();
    throw engine.fault(error, 'staging rows');
  } finally {
    appender?.closeSync();
  }
}

/** Stages columns `which` of whole rows under `c0`, `c1` …. */
export function rowColumns(
  columns: readonly HeldColumn[],
  rows: readonly Row[],
  which: readonly number[],
): StagedColumn[] {
  return which.map((index) => ({
    ...(columns[index] as HeldColumn),
    name: `c${index}`,
    cell: (i) => (rows[i] as Row)[index],
  }));
}

/** Stages keys (cells in key order) under `k0`, `k1` …. */
export function keyColumns(columns: readonly HeldColumn[], keys: readonly Row[]): StagedColumn[] {
  return columns.map((column, at) => ({ ...column, name: `k${at}`, cell: (i) => (keys[i] as Row)[at] }));
}
