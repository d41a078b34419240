import type { ChainReader, FollowerReports } from '@millrace/log';
import { lsnZero } from '@millrace/model';
import { ByteGate } from '@millrace/runtime';
import type { ChainFacts } from './chain-facts.js';
import { ChainWriter } from './chain-writer.js';
import type { Claim } from './claim.js';
import { Confirmer } from './confirmer.js';
import type { CaptureSettings } from './options.js';
import type { Progress } from './progress.js';
import { PublishQueue } from './publish-queue.js';
import { ReadBack } from './read-back.js';
import { Recorder } from './recorder.js';
import { WindowEngine } from './snapshot/window-engine.js';
import type { SourceSession } from './source.js';
import { checkStart, type Opening } from './startup-check.js';
import type { CaptureState } from './state.js';
import { BatchBuilder } from './stream/batch-builder.js';
import { EventWriter } from './stream/event-writer.js';
import { IdleRecords } from './stream/idle-records.js';
import { ShapeBook } from './stream/shape-book.js';
import { StreamSink } from './stream/stream-sink.js';

export interface EpochOptions {
  readonly settings: CaptureSettings;
  readonly session: SourceSession;
  readonly facts: ChainFacts;
  readonly reports: FollowerReports;
  /** Stands behind the own claim. */
  readonly reader: ChainReader;
  readonly claim: Claim;
  readonly progress: Progress;
  readonly enter: (state: CaptureState) => void;
}

/** CHECK → OPEN → SNAPSHOT → STREAM of one claim that counts. Ends with the signal or with the first fault of any of its parts. */
export class Epoch {
  readonly #o: EpochOptions;
  readonly #stop = new AbortController();
  readonly #aborted = new Promise<void>((resolve) => {
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  constructor(options: EpochOptions) {
    this.#o = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, session, facts, reader, claim, enter } = this.#o;
    const abort = (): void => this.#stop.abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      enter({ name: 'check', epoch: claim.epoch, resume: claim.resume });
      const opening = await checkStart(settings, session, facts, reader, claim.resume);
      await this.#opened(opening);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#stop.abort();
    }
  }

  async #opened(opening: Opening): Promise<void> {
    const { settings, session, facts, claim, enter, progress } = this.#o;
    const { signal } = this.#stop;
    const { surroundings, limits, decisions } = settings;
    let sink: StreamSink | undefined;
    const writer = this.#writer();
    const queue = new PublishQueue(() => sink?.pump());
    const confirmer = new Confirmer(session, decisions, progress, () => sink?.received ?? lsnZero);
    const readBack = this.#readBack(confirmer, writer);
    const recorder = new Recorder({
      log: settings.log,
      writer,
      queue,
      readBack,
      leader: session.identity,
      limits,
      clock: surroundings.clock,
      onPublished: (record) => {
        progress.published(record);
        confirmer.moved(readBack.position, writer.tail);
      },
    });
    const failed = Promise.race([queue.failed, readBack.failed]);
    failed.catch(() => {});
    try {
      enter({ name: 'open', epoch: claim.epoch, resume: opening.at });
      recorder.open(opening, facts.snapshots);
      await this.#untilReadBack(queue, readBack, failed);
      confirmer.opened(opening.at);
      const gate = new ByteGate(limits.queued_bytes);
      const builder = new BatchBuilder();
      const idle = new IdleRecords({
        decisions,
        clock: surroundings.clock,
        idle_ms: limits.idle_ms,
        recorder,
        tail: () => writer.tail,
        onDue: () => sink?.pump(),
        signal,
      });
      sink = new StreamSink({
        settings,
        epoch: claim.epoch,
        resume: opening.at,
        builder,
        writer: new EventWriter(builder, claim.epoch),
        shapes: new ShapeBook({ codec: settings.codec, ...settings.pipeline, facts }),
        recorder,
        queue,
        gate,
        idle,
        windows: new WindowEngine(),
        onRepair: () => {},
      });
      const live = sink;
      progress.received = () => live.received;
      progress.held_bytes = () => gate.held + builder.bytes;
      enter({ name: 'stream', epoch: claim.epoch });
      await this.#stream(live, gate, failed);
    } finally {
      this.#stop.abort();
      queue.close();
    }
  }

  /** Streams until the signal, the stream's own error, or the first fault of what runs beside it. */
  async #stream(sink: StreamSink, gate: ByteGate, failed: Promise<never>): Promise<void> {
    const streaming = this.#o.session.stream(sink, this.#stop.signal);
    try {
      await Promise.race([streaming, failed]);
    } catch (error) {
      this.#stop.abort();
      gate.close();
      await streaming.catch(() => {});
      throw error;
    }
    gate.close();
  }

  async #untilReadBack(queue: PublishQueue, readBack: ReadBack, failed: Promise<never>): Promise<void> {
    await Promise.race([queue.settled(), failed, this.#aborted]);
    await Promise.race([readBack.settled(), failed, this.#aborted]);
    this.#stop.signal.throwIfAborted();
  }

  #writer(): ChainWriter {
    const { settings, facts, claim, progress } = this.#o;
    const { epoch, nonce, resume } = claim;
    return new ChainWriter({
      identity: { logId: settings.log.id, epoch, nonce },
      appender: settings.log.appender({ epoch, nonce }),
      facts,
      tail: resume,
      surroundings: settings.surroundings,
      signal: this.#stop.signal,
      onWait: (reason) => {
        progress.waiting = reason;
      },
    });
  }

  #readBack(confirmer: Confirmer, writer: ChainWriter): ReadBack {
    const { reader, claim, reports, settings } = this.#o;
    return new ReadBack({
      reader,
      identity: { logId: settings.log.id, epoch: claim.epoch, nonce: claim.nonce },
      reports,
      position: claim.resume,
      onCounts: (position) => confirmer.moved(position, writer.tail),
    });
  }
}
