import { type Lsn, lsn, type Relation, type TransactionStart } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type {
  InitialSnapshot,
  LeaderIdentity,
  LeaderWal,
  SourceSession,
  SourceSink,
  WindowReader,
} from '../source.js';
import { MemoryDecoding } from './decoding.js';
import type { MemoryLeader } from './leader.js';
import type { MemorySourceOptions } from './options.js';
import { MemorySnapshot } from './snapshot.js';
import type { MemoryCommit } from './wal.js';
import { MemoryWindows } from './windows.js';

const defaultKeepalive_ms = 1_000;
const defaultReadMessages = 16;
const defaultLarge_characters = 40;

/** One connection that holds the slot. */
export class MemorySession implements SourceSession {
  readonly identity: LeaderIdentity;
  readonly wal: LeaderWal;
  readonly confirmed: Lsn;
  readonly created?: { readonly consistentPoint: Lsn; readonly snapshot: InitialSnapshot };
  readonly windows: WindowReader;
  readonly #leader: MemoryLeader;
  readonly #o: MemorySourceOptions;
  readonly #decoding: MemoryDecoding;
  readonly #ended = new AbortController();
  /** Newest shape sent per table in this session. */
  readonly #sent = new Map<number, Relation>();
  #cut: Fault | undefined;
  #reply: { write: Lsn; flush: Lsn; apply: Lsn } | undefined;

  constructor(options: MemorySourceOptions, created: boolean) {
    const { leader } = options;
    const slot = leader.slot;
    if (!slot) throw new Fault('MR-9001', { detail: 'a memory session needs its slot' });
    this.#leader = leader;
    this.#o = options;
    this.#decoding = new MemoryDecoding(
      (cell) => cell.length >= (options.large_characters ?? defaultLarge_characters),
    );
    slot.holder = { description: 'memory session', cut: (fault) => this.#break(fault) };
    this.identity = leader.identity;
    this.wal = { end: leader.position, isReplaying: leader.isReplaying };
    this.confirmed = slot.confirmed;
    this.windows = new MemoryWindows(options, () => this.#check());
    if (created)
      this.created = {
        consistentPoint: slot.confirmed,
        snapshot: new MemorySnapshot(options, this.#ended.signal),
      };
  }

  /** What was confirmed last, for tests. */
  get reply(): { readonly write: Lsn; readonly flush: Lsn; readonly apply: Lsn } | undefined {
    return this.#reply;
  }

  async relations(): Promise<readonly Relation[]> {
    await this.#latency();
    this.#check();
    return this.#leader.published();
  }

  async memberships(relations: readonly Relation[]): Promise<ReadonlyMap<number, string>> {
    await this.#latency();
    this.#check();
    return new Map(relations.map(({ id }) => [id, this.#leader.membership(id)]));
  }

  async leaderPosition(): Promise<Lsn> {
    await this.#latency();
    this.#check();
    return this.#leader.position;
  }

  confirm(positions: { readonly write: Lsn; readonly flush: Lsn; readonly apply: Lsn }): void {
    const { slot } = this.#leader;
    this.#reply = { ...positions };
    if (this.#ended.signal.aborted || !slot) return;
    if (positions.flush > slot.confirmed) slot.confirmed = positions.flush;
  }

  async stream(sink: SourceSink, signal: AbortSignal): Promise<void> {
    let next = this.confirmed;
    let keepaliveAt_ms = Number.NEGATIVE_INFINITY;
    let lastKeepalive = lsn(0n);
    while (!signal.aborted) {
      this.#check();
      await this.#latency(signal);
      if (signal.aborted) return;
      this.#check();
      const pending = this.#leader.commits.filter(({ commit }) => commit >= next);
      if (pending.length > 0) {
        next = await this.#deliver(pending, sink, signal, next);
        continue;
      }
      const { position } = this.#leader;
      const pause_ms = this.#o.keepalive_ms ?? defaultKeepalive_ms;
      const due_ms = keepaliveAt_ms + pause_ms - this.#o.clock.monotonic();
      if (due_ms <= 0 || (position > lastKeepalive && keepaliveAt_ms === Number.NEGATIVE_INFINITY)) {
        sink.keepalive(position);
        lastKeepalive = position;
        keepaliveAt_ms = this.#o.clock.monotonic();
        await this.#room(sink, signal);
        continue;
      }
      await this.#idle(due_ms, signal);
    }
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#release();
  }

  /** Sends transactions message by message, asking for room every few. Returns where to go on. */
  async #deliver(
    pending: readonly MemoryCommit[],
    sink: SourceSink,
    signal: AbortSignal,
    from: Lsn,
  ): Promise<Lsn> {
    let next = from;
    let messages = this.#burst();
    const step = async (): Promise<boolean> => {
      messages--;
      if (messages > 0) return !signal.aborted;
      messages = this.#burst();
      await this.#room(sink, signal);
      this.#check();
      return !signal.aborted;
    };
    for (const commit of pending) {
      const changes = commit.changes.filter(({ relation, lsn: at }) =>
        this.#leader.isPublished(relation.id, at),
      );
      const { xid, committedAt_us } = commit;
      const start: TransactionStart = { commit: commit.commit, xid, committedAt_us };
      if (changes.length > 0 || commit.marks.length > 0) {
        sink.begin(start);
        for (const change of changes) {
          const told = this.#tell(change.relation, sink);
          if (told) await told;
          sink.change(this.#decoding.decode(change));
          this.#decoding.spoil();
          if (!(await step())) return next;
        }
        for (const mark of commit.marks) sink.watermark(mark);
        sink.commit({ end: commit.end });
      }
      next = commit.end;
      if (!(await step())) return next;
    }
    await this.#room(sink, signal);
    return next;
  }

  /** Relation messages come before a table's first event, and again when its shape is another. */
  #tell(relation: Relation, sink: SourceSink): Promise<void> | undefined {
    const known = this.#sent.get(relation.id);
    if (known === relation) return undefined;
    this.#sent.set(relation.id, relation);
    const reshape = this.#leader.commits
      .flatMap(({ reshapes }) => reshapes)
      .find((each) => each.relation === relation);
    return sink.relation(relation, reshape?.certainty ?? { certain: true });
  }

  async #room(sink: SourceSink, signal: AbortSignal): Promise<void> {
    const room = sink.room();
    if (!room) return;
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    signal.addEventListener('abort', stop, { once: true });
    this.#ended.signal.addEventListener('abort', stop, { once: true });
    await Promise.race([room, stopped]);
    signal.removeEventListener('abort', stop);
    this.#ended.signal.removeEventListener('abort', stop);
  }

  /** Waits for a record, a keepalive's time, or the end. */
  async #idle(pause_ms: number, signal: AbortSignal): Promise<void> {
    const wake = new AbortController();
    const stop = (): void => wake.abort();
    signal.addEventListener('abort', stop, { once: true });
    this.#ended.signal.addEventListener('abort', stop, { once: true });
    await Promise.race([this.#leader.changed(wake.signal), this.#o.clock.sleep(pause_ms, wake.signal)]);
    wake.abort();
    signal.removeEventListener('abort', stop);
    this.#ended.signal.removeEventListener('abort', stop);
  }

  #burst(): number {
    return 1 + Math.floor(this.#o.random() * (this.#o.readMessages ?? defaultReadMessages));
  }

  async #latency(signal?: AbortSignal): Promise<void> {
    const ms = this.#o.latency_ms?.() ?? 0;
    if (ms > 0) await this.#o.clock.sleep(ms, signal);
  }

  #check(): void {
    if (this.#cut) throw this.#cut;
    if (this.#ended.signal.aborted) throw new Fault('MR-2012', { detail: 'the session is closed' });
  }

  #break(fault: Fault): void {
    this.#cut = fault;
    this.#ended.abort();
    this.#release();
  }

  #release(): void {
    const { slot } = this.#leader;
    if (slot?.holder) slot.holder = undefined;
    this.#leader.released();
  }
}
