import type { Relation } from '@millrace/model';
import { ByteGate } from '@millrace/runtime';
import { trimProgress } from '../chain/progress-trimming.js';
import type { FirstSnapshot } from '../snapshot/first-snapshot.js';
import { readInitialSnapshot } from '../snapshot/initial-snapshot.js';
import { SnapshotMeter } from '../snapshot/snapshot-progress.js';
import { unfinished } from '../snapshot/states.js';
import { WindowEngine } from '../snapshot/window-engine.js';
import { BatchBuilder } from '../stream/batch-builder.js';
import { EventWriter } from '../stream/event-writer.js';
import { IdleRecords } from '../stream/idle-records.js';
import { StreamSink } from '../stream/stream-sink.js';
import { watchCatalogue } from '../watches/catalogue-watch.js';
import { watchFollowers } from '../watches/followers-watch.js';
import type { EpochParts } from './epoch-parts.js';
import type { Opening } from './startup-check.js';

/** SNAPSHOT and STREAM of an epoch, and what runs beside: windows, followers' wishes, the catalogue. */
export class Streaming {
  readonly #p: EpochParts;
  readonly #opening: Opening;
  readonly #gate: ByteGate;
  readonly #sink: StreamSink;
  readonly #windows: WindowEngine;
  readonly #meter: SnapshotMeter;

  constructor(parts: EpochParts, opening: Opening) {
    this.#p = parts;
    this.#opening = opening;
    const { settings, session, claim, facts, shapes, recorder, signal, queue, writer, progress } = parts;
    const { limits, decisions, surroundings } = settings;
    const { epoch } = claim;
    this.#gate = new ByteGate(limits.queued_bytes);
    this.#meter = new SnapshotMeter(surroundings.clock, (topic) => facts.topics.get(topic)?.name ?? '');
    this.#windows = new WindowEngine({
      settings,
      session,
      epoch,
      facts,
      shapes,
      recorder,
      meter: this.#meter,
      signal,
      onReshaped: (relation) => this.#announce([relation], true),
    });
    const idle = new IdleRecords({
      decisions,
      clock: surroundings.clock,
      limits,
      recorder,
      tail: () => writer.tail,
      onDue: () => this.pump(),
      signal,
    });
    const builder = new BatchBuilder();
    const events = new EventWriter(builder, epoch);
    this.#sink = new StreamSink({
      settings,
      epoch,
      resume: opening.at,
      builder,
      writer: events,
      shapes,
      recorder,
      queue,
      gate: this.#gate,
      idle,
      windows: this.#windows,
      onRepair: (topic) => this.#windows.request([topic]),
    });
    progress.received = () => this.#sink.received;
    progress.held_bytes = () => this.#gate.held + builder.bytes;
    progress.heldLimit_bytes = limits.queued_bytes + limits.batch_bytes;
    progress.writes(events.written, () => writer.bytes);
    progress.snapshot = () => this.#meter.progress(facts.snapshots);
  }

  /** The queue is empty: cut what has gathered. */
  pump(): void {
    this.#sink.pump();
  }

  /** Until the signal, or the first fault of any part. */
  async run(first: FirstSnapshot | undefined): Promise<void> {
    const { claim, enter, failed, aborted, shapes, signal } = this.#p;
    for (const change of first?.changes ?? []) this.#p.recorder.shape(change, false);
    for (const topic of shapes.topics) await shapes.ensure(topic);
    if (first && first.state.kind === 'initial') {
      enter({ name: 'snapshot', epoch: claim.epoch });
      await Promise.race([this.#initial(first), failed, aborted]);
      signal.throwIfAborted();
    }
    // Exported, but nobody reads it: windows do.
    else await this.#p.session.created?.snapshot.close();
    if (!first) await this.#reconcile();
    if (this.#opening.read === 'all-windowed' && !first) await this.#readAll();
    enter({ name: 'stream', epoch: claim.epoch });
    await this.#stream();
  }

  /** The leader's own snapshot, before streaming. */
  async #initial({ state, tables }: FirstSnapshot): Promise<void> {
    const { settings, session, claim, recorder, shapes, signal } = this.#p;
    const snapshot = session.created?.snapshot;
    if (!snapshot) return;
    for (const { topic, table } of tables) this.#meter.estimate(topic, table.estimatedRows);
    const compiled = new Map<number, Awaited<ReturnType<typeof shapes.ensure>>>();
    for (const { topic } of tables) compiled.set(topic, await shapes.ensure(topic));
    await readInitialSnapshot({
      settings,
      epoch: claim.epoch,
      snapshot,
      state,
      tables,
      at: this.#opening.at,
      shapeOf: (topic) => {
        const shape = compiled.get(topic);
        if (!shape) throw new Error(`topic ${topic} is in the plan`);
        return shape;
      },
      recorder,
      meter: this.#meter,
      signal,
    });
  }

  /** A capture died between its first `open` and the shapes of its tables: they are announced now. */
  async #reconcile(): Promise<void> {
    const { facts, session, shapes, recorder } = this.#p;
    const topics = unfinished(facts.snapshots).flatMap(({ tables }) => tables.map(({ topic }) => topic));
    if (topics.every((topic) => facts.shapes.has(topic))) return;
    for (const relation of await session.relations()) {
      if (shapes.topicOf(relation)) continue;
      const change = shapes.plan(relation);
      const isListed = topics.includes(change.topic.number);
      recorder.shape(change, !isListed);
      await shapes.compile(change);
      if (!isListed) this.#windows.request([change.topic.number]);
    }
  }

  /** Commits are missing, by an operator's leave: every table is marked, the position jumps, and windows read everything (R38). */
  async #readAll(): Promise<void> {
    const { session, recorder } = this.#p;
    await this.#announceNow(await session.relations(), true);
    const { jumpTo } = this.#opening;
    if (jumpTo) recorder.idle(jumpTo.end);
  }

  async #stream(): Promise<void> {
    const { session, failed, signal, settings, reports, facts, shapes, progress, confirmer, writer } =
      this.#p;
    const stop = new AbortController();
    const end = (): void => stop.abort();
    signal.addEventListener('abort', end, { once: true });
    const streaming = session.stream(this.#sink, stop.signal, shapes.relations);
    const beside = [
      this.#windows.run(),
      watchFollowers({
        settings,
        reports,
        facts,
        tail: () => writer.tail,
        finished: this.#p.finishedSnapshot,
        requesting: () => this.#windows.requesting,
        onPositions: (positions) => confirmer.followers(positions),
        onWanted: (topics) => this.#windows.request(topics),
        signal,
      }),
      watchCatalogue({
        settings,
        session,
        shapes,
        facts,
        progress,
        onNew: (relations) => this.#announce(relations, false),
        onReturned: async (relations) => {
          await this.#announceNow(relations, true);
          await this.#p.recorder.recorded();
        },
        onGone: (topics) => this.#p.recorder.giveUp(topics),
        signal,
      }),
      trimProgress({
        log: settings.log,
        reports,
        surroundings: settings.surroundings,
        limits: settings.limits,
        signal,
      }),
    ];
    // The first to end ends all: a rejection is the epoch's fault; what runs beside settles with the signal only.
    const troubles = beside.map((part) => part.then(() => streaming));
    for (const trouble of troubles) trouble.catch(() => {});
    try {
      await Promise.race([streaming, failed, ...troubles]);
    } finally {
      stop.abort();
      this.#gate.close();
      signal.removeEventListener('abort', end);
      await streaming.catch(() => {});
    }
  }

  #announce(relations: readonly Relation[], force: boolean): void {
    this.#announceNow(relations, force).catch((error: unknown) => this.#p.queue.fail(error));
  }

  /** Shapes that the catalogue tells of, and that their tables are to be read. */
  async #announceNow(relations: readonly Relation[], force: boolean): Promise<void> {
    const { recorder, shapes } = this.#p;
    const topics: number[] = [];
    const changes = relations.map((relation) => shapes.plan(relation, force));
    for (const change of changes) {
      this.#sink.cut();
      recorder.shape(change, true);
      topics.push(change.topic.number);
    }
    this.#windows.request(topics);
    for (const change of changes) await shapes.compile(change);
  }
}
