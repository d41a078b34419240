import type { SchemaCertainty, SourceSession, SourceSink, Watermark } from '@millrace/capture';
import {
  type Change,
  type Lsn,
  parseLsn,
  type Relation,
  rowOf,
  type TransactionEnd,
  type TransactionStart,
} from '@millrace/model';
import { PgSession } from '@millrace/postgres';
import type { TestDatabase } from '@millrace/test-support';
import { waitFor } from '@millrace/test-support';
import { createPostgresSource, type PostgresSourceOptions } from './postgres-source.js';

export interface RecordedTransaction {
  readonly start: TransactionStart;
  /** `insert t ["1",null]`, `relation t(a1,b2)`, `low 7/1`. */
  readonly lines: string[];
  end?: Lsn;
}

/** A sink that writes down what it gets, as lines per transaction. */
export class Recorder implements SourceSink {
  readonly transactions: RecordedTransaction[] = [];
  readonly keepalives: Lsn[] = [];
  readonly relations: { relation: Relation; certainty: SchemaCertainty }[] = [];
  readonly marks: Watermark[] = [];
  room: () => Promise<void> | undefined = () => undefined;
  #open: RecordedTransaction | undefined;

  begin(start: TransactionStart): void {
    if (this.#open) throw new Error('begin inside a transaction');
    this.#open = { start, lines: [] };
  }

  change({ op, relation, before, beforeIsFull, after }: Change): void {
    const old = before ? ` ${beforeIsFull ? 'old' : 'key'} ${show(rowOf(before))}` : '';
    this.#line(`${op} ${relation.name}${old}${after ? ` ${show(rowOf(after))}` : ''}`);
  }

  watermark(mark: Watermark): void {
    this.marks.push(mark);
    this.#line(`${mark.kind} ${mark.epoch}/${mark.chunk}`);
  }

  commit({ end }: TransactionEnd): void {
    const open = this.#open;
    if (!open) throw new Error('commit outside a transaction');
    this.#open = undefined;
    open.end = end;
    this.transactions.push(open);
  }

  keepalive(at: Lsn): void {
    if (this.#open) throw new Error('keepalive inside a transaction');
    this.keepalives.push(at);
  }

  relation(relation: Relation, certainty: SchemaCertainty): undefined {
    this.relations.push({ relation, certainty });
    this.#line(
      `relation ${relation.name}(${relation.columns.map((column) => column.name + column.attnum).join()})`,
    );
  }

  /** Lines of all transactions, without those about relations. */
  get changes(): string[] {
    return this.transactions.flatMap(({ lines }) => lines.filter((line) => !line.startsWith('relation ')));
  }

  #line(line: string): void {
    if (!this.#open) throw new Error(`${line} outside a transaction`);
    this.#open.lines.push(line);
  }
}

const show = (row: readonly (string | null | undefined)[]): string =>
  `[${row.map((cell) => (cell === undefined ? 'absent' : JSON.stringify(cell))).join()}]`;

/** One session on a database, its stream running into a recorder. */
export class Tap {
  readonly recorder = new Recorder();
  readonly session: SourceSession;
  readonly #url: string;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(session: SourceSession, url: string) {
    this.session = session;
    this.#url = url;
  }

  static async open(
    database: Pick<TestDatabase, 'url' | 'name'>,
    options: Partial<PostgresSourceOptions> = {},
    waits: string[] = [],
  ): Promise<Tap> {
    const source = createPostgresSource({
      url: database.url,
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: true },
      ...options,
    });
    const session = await source.acquire({
      signal: new AbortController().signal,
      onWait: (reason) => waits.push(reason),
    });
    return new Tap(session, database.url);
  }

  /** As `open`, but without the initial snapshot, which would hold back DDL. */
  static async streaming(
    database: Pick<TestDatabase, 'url' | 'name'>,
    options: Partial<PostgresSourceOptions> = {},
  ): Promise<Tap> {
    const tap = await Tap.open(database, options);
    await tap.session.created?.snapshot.close();
    tap.stream();
    return tap;
  }

  /** Starts the stream; `done` tells how it ends. */
  stream(known?: readonly Relation[]): void {
    this.#running = this.session.stream(this.recorder, this.#stop.signal, known);
    // Tests that expect an end look at `done` themselves.
    this.#running.catch(() => undefined);
  }

  get done(): Promise<void> {
    return this.#running ?? Promise.reject(new Error('the stream was not started'));
  }

  /** Waits until the stream has delivered everything written so far, told by a transaction of our own behind it. */
  async caughtUp(timeout_ms = 20_000): Promise<void> {
    const marker = await PgSession.open(this.#url, { role: 'leader' });
    const { at } = await marker.queryOne(
      'testing',
      "SELECT pg_catalog.pg_logical_emit_message(true, 'test', 'marker') AS at",
    );
    await marker.close();
    const position = parseLsn(at as string);
    await waitFor(() => (this.recorder.transactions.at(-1)?.end ?? 0n) > position, {
      what: 'the stream to catch up',
      timeout_ms,
    });
  }

  confirmAll(): void {
    const end = this.recorder.transactions.at(-1)?.end;
    if (end !== undefined) this.session.confirm({ write: end, flush: end, apply: end });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
    await this.session.close();
  }
}
