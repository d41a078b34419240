import type { FollowerTransaction, StoredPosition } from '@millrace/follower';
import { type ChainReader, type CountingRecord, decodeAnchor, FollowerReports } from '@millrace/log';
import { formatPosition, type Lsn } from '@millrace/model';
import { Fault, isFault } from '@millrace/runtime';
import { standsAlone } from '../chain/grouping.js';
import { Pace } from '../chain/pace.js';
import { ReadAhead } from '../chain/read-ahead.js';
import type { Reached } from '../decisions.js';
import { PositionReports } from '../registration/reporter.js';
import { type Applied, applyGroup, type GroupContext, isBuilding } from '../rows/apply-group.js';
import { adoptStep, planAdoption, takeSchemaStep } from '../rows/schema-step.js';
import { Tables } from '../rows/tables.js';
import { diverged, refuseFork } from './divergence.js';
import { parseNotes } from './notes.js';
import { OwnRow } from './own-row.js';
import type { AppliedGroup, SessionObserver, SessionOptions } from './session-scope.js';
import { type Standing, standingAt, storedPosition } from './standing.js';
import { learnTopics, Topics, topicsUntil, verifiedOpen } from './topics.js';

/** Pauses between two looks at a barrier: other workers are at it, and nothing tells when they are through. */
const barrierPause_ms_min = 5;
const barrierPause_ms_max = 100;

/**
 * From one takeover of the follower to the first fault or the end: verify the anchor, read counting records ahead, apply
 * them group by group. Nothing is carried over to the next session but the memory of the position reached.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #observer: SessionObserver;
  readonly #row: OwnRow;
  readonly #pace: Pace;
  #standing: Standing | undefined;
  #topics = new Topics();
  #tables: Tables | undefined;
  #reports: PositionReports | undefined;
  /** Aborts when the session is to end. */
  #end: AbortSignal | undefined;

  constructor(options: SessionOptions, observer: SessionObserver) {
    this.#options = options;
    this.#observer = observer;
    this.#row = new OwnRow(options);
    this.#pace = new Pace(options.limits);
  }

  /** What this session wrote into the position row, or was about to. */
  get owner(): Uint8Array {
    return this.#row.owner;
  }

  /** Where the follower stands by what this session knows; undefined before the takeover. */
  get reached(): Reached | undefined {
    const standing = this.#standing;
    return standing && { registration: standing.notes.registration, position: standing.position };
  }

  /** Works until `signal` aborts, or rejects with the fault that ended it. `remembered` is the service's own memory. */
  async run(signal: AbortSignal, remembered: Reached | undefined): Promise<void> {
    this.#end = signal;
    const chain = await this.#takeOver(remembered);
    const end = new AbortController();
    const stop = (): void => end.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const ahead = new ReadAhead(chain, this.#options.limits.ahead_records);
    const background = [ahead.run(end.signal), this.#reports?.run(end.signal)];
    try {
      await this.#work(chain, ahead, end.signal);
    } finally {
      end.abort();
      signal.removeEventListener('abort', stop);
      await Promise.all(background);
    }
  }

  /** Tells the log's table why this follower stands still, for the monitor's page. */
  async reportStop(fault: Fault): Promise<void> {
    if (this.#standing) await this.#reports?.send(this.#standing, fault);
  }

  async #takeOver(remembered: Reached | undefined): Promise<ChainReader> {
    const { log, openChain, partition } = this.#options;
    const reports = new FollowerReports(log);
    const { row, storeId } = await this.#row.takeOver(reports, remembered);
    const anchor = decodeAnchor(row.anchor);
    const chain = openChain(log, { kind: 'anchor', anchor, logId: row.logId });
    await chain.verify();
    this.#topics = await topicsUntil(log, anchor.offset);
    await this.#loadTables(row);
    if (!partition) this.#startReports(reports, storeId);
    this.#moved(this.#standing as Standing);
    await this.#adoptAnchor();
    return chain;
  }

  async #loadTables(row: StoredPosition): Promise<void> {
    const mirrored = await this.#options.follower.tables();
    const building = (): boolean => this.#standing === undefined || isBuilding(this.#standing);
    this.#tables = new Tables(this.#options.codec, this.#topics, mirrored, building);
    this.#standing = standingAt(row, this.#tables.all());
    if (row.state === 'diverged') throw diverged(this.#options.name);
  }

  #startReports(reports: FollowerReports, storeId: Uint8Array): void {
    const { name, limits, surroundings } = this.#options;
    this.#reports = new PositionReports(
      reports,
      { follower: name, storeId, owner: this.#row.owner },
      {
        topicName: (topic) => this.#topics.find(topic) ?? String(topic),
        clock: surroundings.clock,
        logger: surroundings.logger,
        pause_ms: limits.report_ms,
      },
    );
  }

  /** A follower registered at a checkpoint has the tables of its `open` made before anything is applied (R30). */
  async #adoptAnchor(): Promise<void> {
    const from = this.#standing as Standing;
    if (!from.notes.adopt) return;
    const { log, policies, partition } = this.#options;
    const open = await verifiedOpen(log, decodeAnchor(from.anchor));
    this.#topics.add(open.layout);
    if (partition && !partition.isFirst) {
      await this.#follow(
        (row) => !parseNotes(row.notes).adopt,
        async (row) => {
          this.#topics = await topicsUntil(log, decodeAnchor(row.anchor).offset);
        },
      );
      return;
    }
    const building = new Set(open.relations.map(({ topic }) => topic));
    const tables = new Map(open.relations.map(({ topic, relation }) => [topic, relation.id] as const));
    const after: Standing = { ...from, building, tables, notes: { ...from.notes, adopt: false } };
    const context = { tables: this.#tables as Tables, topics: this.#topics, policy: policies.schema };
    const steps = planAdoption(open, after, context);
    const transaction = await this.#begin(storedPosition(from), storedPosition(after), true);
    try {
      for (const step of steps) await takeSchemaStep(transaction, step);
      await transaction.commit();
    } catch (error) {
      await transaction.abort();
      throw error;
    }
    for (const step of steps) adoptStep(context.tables, step);
    this.#moved(after);
  }

  /**
   * Begins a follower transaction. A barrier of a partitioned follower moves the rows of all partitions: it waits, visibly, until
   * every one has arrived (R26).
   */
  async #begin(from: StoredPosition, to: StoredPosition, isBarrier: boolean): Promise<FollowerTransaction> {
    const { follower, partition } = this.#options;
    if (!partition || !isBarrier) return await follower.begin(from, to);
    return await this.#arrived(
      () => partition.beginAll(from, to),
      `other partitions have not reached ${formatPosition(from.position)}`,
    );
  }

  /**
   * Until the worker that passes a barrier has moved this partition's row along, by that barrier and those that follow it at once;
   * then stands where the row stands. `learn` takes in the topics that were made on the way.
   */
  async #follow(
    isThrough: (row: StoredPosition) => boolean,
    learn: (row: StoredPosition) => Promise<void>,
  ): Promise<void> {
    const row = await this.#arrived(async () => {
      const found = await this.#lookAtRow();
      return isThrough(found) ? found : undefined;
    }, 'partition 0 has not passed a barrier yet');
    await learn(row);
    await this.#loadTables(row);
    this.#moved(this.#standing as Standing);
  }

  /** What `ask` finds at a barrier; waits visibly, and asks again, until it finds something. */
  async #arrived<T>(ask: () => Promise<T | undefined>, waitsFor: string): Promise<T> {
    const { clock } = this.#options.surroundings;
    const signal = this.#end as AbortSignal;
    for (let pause_ms = barrierPause_ms_min; ; pause_ms = Math.min(barrierPause_ms_max, 2 * pause_ms)) {
      const found = await ask();
      if (found !== undefined) return found;
      this.#observer.waiting(waitsFor);
      await clock.sleep(pause_ms, signal);
      signal.throwIfAborted();
    }
  }

  /** Takes in, without applying it, what the row has passed. */
  async #pass(row: Pick<StoredPosition, 'anchor'>, ahead: ReadAhead, signal: AbortSignal): Promise<void> {
    const learn = (records: readonly CountingRecord[]): void => learnTopics(records, this.#topics);
    const { offset } = decodeAnchor(row.anchor);
    await ahead.passTo(offset, learn, this.#options.surroundings.clock, signal);
  }

  #moved(standing: Standing): void {
    this.#standing = standing;
    this.#reports?.committed(standing);
    this.#observer.standing(standing, this.#topics);
  }

  async #work(chain: ChainReader, ahead: ReadAhead, signal: AbortSignal): Promise<void> {
    const { limits, surroundings } = this.#options;
    while (!signal.aborted) {
      if (ahead.pending.length === 0) this.#observer.idle();
      if (await ahead.wait(surroundings.clock, limits.idle_ms, signal)) await this.#applyNext(ahead, signal);
      else if (!signal.aborted) {
        await this.#lookAtRow();
        await this.#lookAtLog(chain);
      }
    }
  }

  /** A log put back to an older copy under a running reader ends before what was read: waiting there for more would be silent. */
  async #lookAtLog(chain: ChainReader): Promise<void> {
    const { high } = await this.#options.log.progress.watermarks();
    if (high >= chain.nextOffset) return;
    throw new Fault('MR-3007', {
      detail: `the log ends at progress offset ${high}, but was read up to ${chain.nextOffset}`,
      context: { high, read: chain.nextOffset },
    });
  }

  async #applyNext(ahead: ReadAhead, signal: AbortSignal): Promise<void> {
    const { decisions } = this.#options;
    const from = this.#standing as Standing;
    const { pending } = ahead;
    // Passed with others' barriers before this session read it.
    if ((pending[0] as CountingRecord).offset <= decodeAnchor(from.anchor).offset)
      return await this.#pass(from, ahead, signal);
    this.#observer.head((pending[pending.length - 1] as (typeof pending)[number]).state.to);
    this.#observer.applying();
    const plan = decisions.planGroup({
      pending,
      position: from.position,
      // The records' figures count the events of all partitions.
      events: this.#pace.events() * (this.#options.partition?.count ?? 1),
      records: this.#pace.records(),
    });
    const group = pending.slice(0, plan.records);
    const isBarrier = plan.forkAt !== undefined || group.some(standsAlone);
    if (this.#options.partition && isBarrier) {
      refuseFork(group, this.#options.name, from.position);
      if (!this.#options.partition.isFirst) {
        const { anchor } = from;
        const { offset } = decodeAnchor(anchor);
        await this.#follow(
          (row) => decodeAnchor(row.anchor).offset > offset,
          (row) => this.#pass(row, ahead, signal),
        );
        return;
      }
    }
    let applied: Applied;
    try {
      applied = await this.#apply(group, plan.forkAt, isBarrier, signal);
    } catch (error) {
      if (!(await this.#wasPassed(from, error))) throw error;
      // At once: the row has moved already.
      return await this.#follow(
        () => true,
        (row) => this.#pass(row, ahead, signal),
      );
    }
    this.#pace.measured(applied);
    ahead.taken(plan.records);
    this.#moved(applied.standing);
    this.#observer.applied({ ...summary(group), events: applied.events, bytes: applied.bytes });
    if (applied.standing.diverged)
      throw diverged(this.#options.name, formatPosition(applied.standing.position));
  }

  async #apply(
    group: readonly CountingRecord[],
    forkAt: Lsn | undefined,
    isBarrier: boolean,
    signal: AbortSignal,
  ): Promise<Applied> {
    const { partition } = this.#options;
    const own = partition && !isBarrier ? group.map((each) => partition.ownPart(each)) : group;
    try {
      return await applyGroup(own, forkAt, this.#standing as Standing, this.#context(isBarrier, signal));
    } catch (error) {
      // A restored row carries an older owner: what looks like a takeover may be a follower that went back, or a resync.
      if (isFault(error, 'MR-4003')) await this.#lookAtRow();
      throw error;
    }
  }

  /** R32: whoever reads further ahead sees that a fork takes back what this session was about to apply, and passes it for all. */
  async #wasPassed(from: Standing, error: unknown): Promise<boolean> {
    if (!this.#options.partition || !isFault(error, 'MR-4004')) return false;
    const row = await this.#lookAtRow();
    return decodeAnchor(row.anchor).offset > decodeAnchor(from.anchor).offset;
  }

  #context(isBarrier: boolean, signal: AbortSignal): GroupContext {
    const { log, limits, decisions, policies, readEvents, partition } = this.#options;
    return {
      begin: (from, to) => this.#begin(from, to, isBarrier),
      holdsKeyChanges: !partition || isBarrier,
      log,
      limits,
      decisions,
      readEvents,
      signal,
      tables: this.#tables as Tables,
      topics: this.#topics,
      policy: policies.schema,
      onWait: ({ topic, partition, last }) =>
        this.#observer.waiting(`events of ${topic}, partition ${partition}, up to offset ${last}`),
    };
  }

  #lookAtRow(): Promise<StoredPosition> {
    return this.#row.look(this.reached as Reached);
  }
}

function summary(group: readonly CountingRecord[]): Omit<AppliedGroup, 'events' | 'bytes'> {
  let transactions = 0;
  let lastCommit_us = 0n;
  for (const { record } of group) {
    if (record.kind !== 'progress') continue;
    transactions += record.transactions;
    if (record.lastCommit_us > 0n) lastCommit_us = record.lastCommit_us;
  }
  return { records: group.length, transactions, lastCommit_us };
}
