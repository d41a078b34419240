import {
  type Change,
  type Lsn,
  type Relation,
  type RowImage,
  relationName,
  rowOf,
  type TransactionStart,
} from '@millrace/model';
import { backoff_ms, Fault } from '@millrace/runtime';
import { orAborted } from '../abortable.js';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { Recorder, SnapshotChange } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import type { SourceSession, Watermark, WindowChunk } from '../source.js';
import type { Shape } from '../stream/shape.js';
import type { ShapeBook } from '../stream/shape-book.js';
import { publishChunk } from './chunk-publisher.js';
import type { SnapshotMeter } from './snapshot-progress.js';
import { isFinished, newSnapshot, unfinished, wholeTable, withRanges } from './states.js';
import { type ClosedWindow, Window, type WindowTask } from './window.js';
import { isReadWhole, judgeWindow } from './window-verdict.js';
import { XidRecorder } from './xid-recorder.js';

export interface WindowEngineOptions {
  readonly settings: CaptureSettings;
  readonly session: SourceSession;
  readonly epoch: number;
  readonly facts: ChainFacts;
  readonly shapes: ShapeBook;
  readonly recorder: Recorder;
  readonly meter: SnapshotMeter;
  readonly signal: AbortSignal;
  /** The read saw the table in another shape than the stream: it has to be announced, and the table read anew. */
  readonly onReshaped: (relation: Relation) => void;
}

/**
 * Reads tables while streaming (§7): one window at a time, range by range, as the snapshots in the chain say. Its loop requests
 * reads; the stream tells it of LOW, HIGH and what lies between; at HIGH it hands back a step that publishes the chunk.
 */
export class WindowEngine {
  readonly #o: WindowEngineOptions;
  readonly #xids: XidRecorder;
  #window: Window | undefined;
  #pendingMark: Watermark | undefined;
  #start: TransactionStart | undefined;
  #settled: (used: boolean) => void = () => {};
  #chunks = 0;
  /** Requested and not yet in the chain. */
  #requested = 0;
  #moved: { readonly topic: number; readonly key: readonly string[] }[] = [];
  #wake: () => void = () => {};

  constructor(options: WindowEngineOptions) {
    this.#o = options;
    this.#xids = new XidRecorder(options.settings.limits.window_xids);
  }

  /** True while changes of some table are to be told. */
  get watching(): boolean {
    return this.#window?.isOpen === true;
  }

  /** Asks for a snapshot of these topics; it is in the chain before anything that is put into the queue later. */
  request(topics: readonly number[]): void {
    if (topics.length === 0) return;
    this.#requested++;
    const { recorder } = this.#o;
    recorder.checkpoint(
      (snapshots) => [...snapshots, newSnapshot(snapshots, topics, recorder.tail)],
      () => {
        this.#requested--;
        this.#wake();
      },
    );
  }

  /** A request is on its way into the chain. */
  get requesting(): boolean {
    return this.#requested > 0;
  }

  /** Reads what there is to read until the signal. Rejects when a read fails: the session is lost. */
  async run(): Promise<void> {
    const { signal, settings, facts } = this.#o;
    const { clock, random } = settings.surroundings;
    const retry = {
      first_ms: settings.limits.windowRetry_ms,
      max_ms: settings.limits.windowRetry_max_ms,
      factor: 2,
    };
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    let discarded = 0;
    while (!signal.aborted) {
      const task = nextTask(facts);
      if (!task) {
        this.#xids.stop();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted || nextTask(facts)) resolve();
        });
        continue;
      }
      const used = await this.#readOne(task);
      discarded = used ? 0 : discarded + 1;
      if (!used) await clock.sleep(backoff_ms(retry, discarded, random()), signal);
    }
  }

  begin(start: TransactionStart): void {
    this.#start = start;
  }

  change(shape: Shape, change: Change): void {
    const window = this.#window;
    if (window?.isOpen && window.task.topic === shape.number && this.#start)
      window.change(this.#start.xid, change);
  }

  /** A table's shape changed in the stream. */
  reshaped(topic: number): void {
    const window = this.#window;
    if (window && window.task.topic === topic) window.spoiled = 'the table’s shape changed in the window';
  }

  /** A watermark of this epoch, inside its own transaction. */
  mark(mark: Watermark): void {
    if (this.#window?.chunk === mark.chunk) this.#pendingMark = mark;
  }

  /**
   * A key change whose new row lacks columns: while its table is read, the old row may not be in a follower yet, and the new key's
   * range may have been read already. So that the value is not lost, the new key is read once more.
   */
  moved(shape: Shape, after: RowImage): void {
    if (this.#requested === 0 && unfinished(this.#o.facts.snapshots).length === 0) return;
    const row = rowOf(after);
    this.#moved.push({ topic: shape.number, key: shape.relation.key.map((column) => String(row[column])) });
  }

  /** What the open transaction adds to the ranges to be read; undefined: nothing. */
  takeRepairs(): SnapshotChange | undefined {
    if (this.#moved.length === 0) return undefined;
    const moved = this.#moved;
    this.#moved = [];
    return (snapshots) => {
      let now = snapshots;
      for (const { topic, key } of moved)
        for (const { id, tables } of unfinished(now))
          if (tables.some((table) => table.topic === topic && table.remaining.length > 0))
            now = withRanges(now, id, topic, [{ after: key, upTo: key }]);
      return now;
    };
  }

  /** At a commit: the step that publishes the chunk, if the transaction was our HIGH. */
  takeChunk(start: TransactionStart, end: Lsn): (() => Promise<void>) | undefined {
    const window = this.#window;
    if (!window || this.#pendingMark?.kind !== 'high') return undefined;
    this.#window = undefined;
    const closed: ClosedWindow = {
      task: window.task,
      chunk: window.chunk,
      read: window.read,
      changes: window.changes,
      xids: this.#xids.high(),
      spoiled: window.isOpen ? window.spoiled : 'HIGH came without LOW',
      commit: start.commit,
      committedAt_us: start.committedAt_us,
      end,
    };
    const shape = this.#o.shapes.ofTopic(window.task.topic);
    return () => this.#publish(window, closed, shape);
  }

  /** Every transaction of the stream ends here, covered ones too. */
  commit(): void {
    const start = this.#start;
    if (!start) return;
    if (this.#pendingMark?.kind === 'low') {
      this.#xids.low(start.xid);
      this.#window?.opened();
    }
    this.#pendingMark = undefined;
    this.#xids.committed(start.xid);
    this.#start = undefined;
  }

  async #readOne(wanted: WindowTask): Promise<boolean> {
    const { session, settings, shapes, epoch, signal } = this.#o;
    const { limits } = settings;
    if (!shapes.topics.includes(wanted.topic)) {
      // Dropped before the capture that listed it came to say its shape.
      await this.#giveUp(wanted.topic, undefined);
      return true;
    }
    const shape = await shapes.ensure(wanted.topic);
    if (signal.aborted) return true;
    const whole = isReadWhole(shape.relation, wanted.range);
    const task: WindowTask = whole ? { ...wanted, range: wholeTable } : wanted;
    const chunk = ++this.#chunks;
    this.#xids.start();
    const settled = new Promise<boolean>((resolve) => {
      this.#settled = resolve;
    });
    let failed: (error: unknown) => void = () => {};
    const failure = new Promise<never>((_, reject) => {
      failed = reject;
    });
    // The window must be there before its LOW can arrive, so the read is begun through a promise made first.
    let begin: (read: Promise<WindowChunk>) => void = () => {};
    const read = new Promise<WindowChunk>((resolve) => {
      begin = resolve;
    });
    read.catch(failed);
    const window = new Window(task, chunk, read, limits.window_bytes);
    this.#window = window;
    begin(
      session.windows.read({
        relation: shape.relation,
        range: task.range,
        rows: whole ? null : limits.chunk_rows,
        max_bytes: limits.window_bytes,
        epoch,
        chunk,
        signal,
      }),
    );
    try {
      return (await orAborted(Promise.race([settled, failure]), signal)) ?? true;
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.#giveUp(task.topic, shape.relation);
      return true;
    } finally {
      // Once HIGH's step runs, closing is its business: it may be in the middle of the rows.
      if (!window.taken) closeRows(read);
    }
  }

  /**
   * The table is gone on the leader: its rows stay as they are in followers, and what else there is to read is read. LOW may still
   * come by, and what was recorded for R36 with it: both are forgotten.
   */
  async #giveUp(topic: number, relation: Relation | undefined): Promise<void> {
    const { recorder, settings, signal } = this.#o;
    this.#window = undefined;
    this.#pendingMark = undefined;
    this.#xids.stop();
    settings.surroundings.logger.warn(
      { topic, ...(relation && { table: relationName(relation) }) },
      'a table that was to be read was dropped, or taken out of the publication: it is given up',
    );
    const done = new Promise<void>((resolve) => recorder.giveUp(new Map([[topic, relation?.id]]), resolve));
    await orAborted(done, signal);
  }

  /** In the queue, at HIGH's place: publishes the chunk, or only moves the position over HIGH. */
  async #publish(window: Window, closed: ClosedWindow, shape: Shape | undefined): Promise<void> {
    window.taken = true;
    try {
      const chunk = await this.#chunkOf(closed);
      if (chunk) await this.#publishRead(closed, chunk, shape);
    } finally {
      closeRows(closed.read);
    }
  }

  async #publishRead(closed: ClosedWindow, chunk: WindowChunk, shape: Shape | undefined): Promise<void> {
    const { recorder, meter } = this.#o;
    const usable = await judgeWindow(this.#o, closed, chunk, shape);
    this.#xids.seen(chunk.visibility);
    if ('reason' in usable) {
      meter.discarded(usable.reason);
      await recorder.publishIdle(closed.end);
      this.#settled(false);
      return;
    }
    const rows = await publishChunk(this.#o, { closed, chunk, ...usable });
    meter.row(closed.task.snapshot.id, closed.task.topic, rows);
    this.#settled(true);
  }

  /** The read may end after its HIGH has come back through the stream. Undefined: told to stop. */
  async #chunkOf({ read }: ClosedWindow): Promise<WindowChunk | undefined> {
    return await orAborted(read, this.#o.signal);
  }
}

const isGone = (error: unknown): boolean => error instanceof Fault && error.code === 'MR-2013';

/** Whatever becomes of the read: its memory and its file are given back. */
function closeRows(read: Promise<WindowChunk>): void {
  read.then(({ rows }) => rows.close()).catch(() => {});
}

/** The oldest unfinished snapshot's first range. */
function nextTask(facts: ChainFacts): WindowTask | undefined {
  for (const snapshot of unfinished(facts.snapshots))
    for (const { topic, remaining } of snapshot.tables) {
      const range = remaining[0];
      if (range && !isFinished(snapshot)) return { snapshot, topic, range };
    }
  return undefined;
}
