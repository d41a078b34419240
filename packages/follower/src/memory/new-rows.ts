import type { Row } from '@millrace/model';
import type { NewRows, NewRowsSink } from '../port.js';

/** New rows as cells. */
export interface GatheredRows extends NewRows {
  readonly rows: readonly Row[];
}

/** The reference sink: gathers rows as cells. */
export class RowGatherer implements NewRowsSink {
  #rows: Row[] = [];
  #cells: (string | null)[] = [];

  get count(): number {
    return this.#rows.length;
  }

  null(): void {
    this.#cells.push(null);
  }

  int(value: number): void {
    this.#cells.push(String(value));
  }

  long(high: number, low: number): void {
    this.#cells.push(String((BigInt(high) << 32n) | BigInt(low >>> 0)));
  }

  utf8(source: Uint8Array, from: number, to: number): void {
    this.#cells.push(Buffer.from(source.subarray(from, to)).toString());
  }

  text(cell: string): void {
    this.#cells.push(cell);
  }

  endRow(): void {
    this.#rows.push(this.#cells);
    this.#cells = [];
  }

  dropRow(): void {
    this.#cells = [];
  }

  take(): GatheredRows {
    const rows = this.#rows;
    this.#rows = [];
    return { count: rows.length, rows };
  }
}
