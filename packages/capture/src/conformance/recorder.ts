import {
  type Cell,
  type Change,
  type ChangeOp,
  type Lsn,
  type Relation,
  rowOf,
  type TransactionEnd,
  type TransactionStart,
} from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import type { SchemaCertainty, SourceSession, SourceSink, Watermark } from '../source.js';

export interface RecordedChange {
  readonly op: ChangeOp;
  readonly relation: Relation;
  readonly before: readonly Cell[] | undefined;
  readonly beforeIsFull: boolean;
  readonly after: readonly Cell[] | undefined;
}

export interface RecordedTransaction {
  readonly start: TransactionStart;
  readonly changes: RecordedChange[];
  readonly marks: Watermark[];
  end: Lsn | undefined;
}

const patience_ms = 20_000;
const pause_ms = 5;

/** A sink that keeps everything, and checks the order of calls. */
export class RecordingSink implements SourceSink {
  readonly transactions: RecordedTransaction[] = [];
  readonly relations: { readonly relation: Relation; readonly certainty: SchemaCertainty }[] = [];
  readonly keepalives: Lsn[] = [];
  readonly disorder: string[] = [];
  calls = 0;
  /** Set: `room` returns it. */
  hold: Promise<void> | undefined;
  /** Called at each change. */
  onChange: () => void = () => {};
  #open: RecordedTransaction | undefined;
  #announcing = false;

  begin(start: TransactionStart): void {
    this.#call('begin', false);
    this.#open = { start: { ...start }, changes: [], marks: [], end: undefined };
    this.transactions.push(this.#open);
  }

  change(change: Change): void {
    this.#call('change', true);
    if (!this.relations.some(({ relation }) => relation.id === change.relation.id))
      this.disorder.push('a change before its relation');
    this.#open?.changes.push({
      op: change.op,
      relation: change.relation,
      before: change.before && rowOf(change.before),
      beforeIsFull: change.beforeIsFull,
      after: change.after && rowOf(change.after),
    });
    this.onChange();
  }

  watermark(mark: Watermark): void {
    this.#call('watermark', true);
    this.#open?.marks.push({ ...mark });
  }

  commit(end: TransactionEnd): void {
    this.#call('commit', true);
    if (this.#open) this.#open.end = end.end;
    this.#open = undefined;
  }

  keepalive(at: Lsn): void {
    this.#call('keepalive', false);
    this.keepalives.push(at);
  }

  relation(relation: Relation, certainty: SchemaCertainty): Promise<void> {
    this.calls++;
    this.relations.push({ relation, certainty });
    this.#announcing = true;
    return Promise.resolve().then(() => {
      this.#announcing = false;
    });
  }

  room(): Promise<void> | undefined {
    return this.hold;
  }

  /** Transactions with changes, whole. */
  get committed(): RecordedTransaction[] {
    return this.transactions.filter(({ end, changes }) => end !== undefined && changes.length > 0);
  }

  get changes(): RecordedChange[] {
    return this.committed.flatMap(({ changes }) => changes);
  }

  #call(what: string, inside: boolean): void {
    this.calls++;
    if (this.#announcing) this.disorder.push(`${what} while a relation is being taken in`);
    if ((this.#open !== undefined) !== inside)
      this.disorder.push(`${what} ${inside ? 'outside' : 'inside'} a transaction`);
  }
}

/** A stream into a sink, until stopped. */
export class Streaming {
  readonly sink: RecordingSink;
  readonly done: Promise<unknown>;
  readonly #stop = new AbortController();

  constructor(session: SourceSession, sink = new RecordingSink()) {
    this.sink = sink;
    this.done = session.stream(sink, this.#stop.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  /** Ends it; rejects with the stream's error, if it had one. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const error = await this.done;
    if (error !== undefined) throw error;
  }
}

/** Waits for a condition; fails when it does not come about. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const start_ms = systemClock.monotonic();
  while (!(await condition())) {
    if (systemClock.monotonic() - start_ms > patience_ms) throw new Error(`waited in vain for ${what}`);
    await systemClock.sleep(pause_ms);
  }
}
