import type pg from 'pg';
import { narrowRow } from '../workloads/filling.js';

/** The highest numbers in a database: of `bench_end` and of `narrow`; -1 in an empty table. */
export interface Shown {
  readonly marker: number;
  readonly row: number;
}

/** What a leader or follower shows, in one round trip. */
export async function shownBy(client: pg.Client): Promise<Shown> {
  const { rows } = await client.query<Shown>(highest);
  return rows[0] ?? { marker: -1, row: -1 };
}

const highest = {
  name: 'highest',
  text: `SELECT coalesce((SELECT max(marker) FROM bench_end), -1) AS marker,
           coalesce((SELECT max(id) FROM narrow), -1)::float8 AS "row"`,
};

/** Statements that make one commit of `rows` rows, numbered: the last row is a marker in `bench_end`. */
export class Commits {
  readonly #client: pg.Client;
  readonly #rows: number;
  readonly #firstRow: number;
  #nextRow: number;
  readonly #firstMarker: number;

  private constructor(client: pg.Client, rows: number, nextRow: number, firstMarker: number) {
    this.#client = client;
    this.#rows = rows;
    this.#firstRow = nextRow;
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

  /**
   * The marker of the last commit that is visible as a whole where `shown` is: a follower that applies table by table may show
   * a marker before the rows that were committed with it.
   */
  lastWhole(shown: Shown): number {
    if (this.#rows === 1) return shown.marker;
    const commits = Math.floor((shown.row - this.#firstRow + 1) / (this.#rows - 1));
    return Math.min(shown.marker, this.#firstMarker + commits - 1);
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
