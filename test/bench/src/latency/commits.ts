import type pg from 'pg';
import { narrowRow } from '../workloads/filling.js';

/** Statements that make one commit of `rows` rows, numbered: the last row is a marker in `bench_end`. */
export class Commits {
  readonly #client: pg.Client;
  readonly #rows: number;
  #nextRow: number;
  readonly #firstMarker: number;

  private constructor(client: pg.Client, rows: number, nextRow: number, firstMarker: number) {
    this.#client = client;
    this.#rows = rows;
    this.#nextRow = nextRow;
    this.#firstMarker = firstMarker;
  }

  /** Goes on where the leader's tables end. */
  static async after(client: pg.Client, rows: number): Promise<Commits> {
    const { rows: found } = await client.query<{ row: string; marker: number }>(
      'SELECT (SELECT coalesce(max(id), 0) + 1 FROM narrow) AS row, (SELECT coalesce(max(marker), 0) + 1 FROM bench_end) AS marker',
    );
    return new Commits(client, rows, Number(found[0]?.row), Number(found[0]?.marker));
  }

  /** The marker of commit `index`. */
  markerOf(index: number): number {
    return this.#firstMarker + index;
  }

  /** Makes commit `index`; resolves when the leader has acknowledged it. */
  async make(index: number): Promise<void> {
    const from = this.#nextRow;
    const to = from + this.#rows - 2;
    this.#nextRow = to + 1;
    const values = [this.markerOf(index)];
    if (this.#rows === 1) await this.#client.query({ ...markerOnly, values });
    else await this.#client.query({ ...withRows, values: [...values, from, to] });
  }
}

const markerOnly = { name: 'marker', text: 'INSERT INTO bench_end VALUES ($1)' };
const withRows = {
  name: 'rows',
  text: `WITH bulk AS (INSERT INTO narrow SELECT ${narrowRow('g')} FROM generate_series($2::bigint, $3::bigint) g)
         INSERT INTO bench_end VALUES ($1)`,
};
