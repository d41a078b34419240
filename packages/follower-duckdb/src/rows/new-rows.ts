import { Buffer } from 'node:buffer';
import { DuckDBDataChunk, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import type { NewRows, NewRowsSink } from '@millrace/follower';
import { type HeldColumn, readCell, type TableLayout } from '../table/layout.js';
import { rowsPerChunk } from './stage.js';

/** New rows as chunks of the engine, outside of JavaScript's heap. */
export interface NewChunks extends NewRows {
  readonly chunks: readonly DuckDBDataChunk[];
}

/** Gathers rows column by column, and closes a chunk whenever the engine's vectors are full. */
export class ChunkSink implements NewRowsSink {
  readonly #layout: TableLayout;
  readonly #types: readonly DuckDBType[];
  /** Values of the open chunk, per column. */
  readonly #values: DuckDBValue[][];
  #chunks: DuckDBDataChunk[] = [];
  /** Whole rows in the open chunk. */
  #open = 0;
  /** Column of the next cell. */
  #at = 0;

  constructor(layout: TableLayout) {
    this.#layout = layout;
    this.#types = layout.columns.map(({ held }) => held.type);
    this.#values = layout.columns.map(() => []);
  }

  get count(): number {
    return this.#chunks.length * rowsPerChunk + this.#open;
  }

  null(): void {
    this.#put(readCell(this.#column, null, this.#layout.relation));
  }

  int(value: number): void {
    if (this.#column.held.isInt) this.#put(value);
    else this.text(String(value));
  }

  long(high: number, low: number): void {
    const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
    if (this.#column.held.isBigint) this.#put(value);
    else this.text(String(value));
  }

  utf8(source: Uint8Array, from: number, to: number): void {
    this.text(Buffer.from(source.buffer, source.byteOffset + from, to - from).toString());
  }

  text(cell: string): void {
    this.#put(readCell(this.#column, cell, this.#layout.relation));
  }

  endRow(): void {
    this.#at = 0;
    this.#open++;
    if (this.#open === rowsPerChunk) this.#close();
  }

  dropRow(): void {
    this.#at = 0;
  }

  take(): NewChunks {
    const { count } = this;
    if (this.#open > 0) this.#close();
    const chunks = this.#chunks;
    this.#chunks = [];
    return { count, chunks };
  }

  get #column(): HeldColumn {
    return this.#layout.columns[this.#at] as HeldColumn;
  }

  #put(value: DuckDBValue): void {
    (this.#values[this.#at++] as DuckDBValue[])[this.#open] = value;
  }

  #close(): void {
    const chunk = DuckDBDataChunk.create(this.#types, this.#open);
    this.#values.forEach((values, at) => {
      // What a dropped row left behind the last whole one is not of the chunk.
      values.length = this.#open;
      chunk.setColumnValues(at, values);
    });
    this.#chunks.push(chunk);
    this.#open = 0;
  }
}
