import type { SnapshotState } from '@millrace/log';
import { ChainWriter } from '../chain/chain-writer.js';
import { Confirmer } from '../chain/confirmer.js';
import { PublishQueue } from '../chain/publish-queue.js';
import { ReadBack } from '../chain/read-back.js';
import { Recorder } from '../chain/recorder.js';
import { type FirstSnapshot, planFirstSnapshot } from '../snapshot/first-snapshot.js';
import { newSnapshot } from '../snapshot/states.js';
import { ShapeBook } from '../stream/shape-book.js';
import type { FinishedSnapshot } from '../watches/followers-watch.js';
import type { EpochOptions, EpochParts } from './epoch-parts.js';
import { checkStart, type Opening } from './startup-check.js';
import { Streaming } from './streaming.js';

/** CHECK → OPEN → SNAPSHOT → STREAM of one claim that counts. Ends with the signal or with the first fault of any of its parts. */
export class Epoch {
  readonly #o: EpochOptions;
  readonly #stop = new AbortController();
  readonly #aborted = new Promise<void>((resolve) => {
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  #streaming: Streaming | undefined;
  #finished: FinishedSnapshot | undefined;

  constructor(options: EpochOptions) {
    this.#o = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, session, facts, reader, claim, enter } = this.#o;
    const abort = (): void => this.#stop.abort();
    signal.addEventListener('abort', abort, { once: true });
    let queue: PublishQueue | undefined;
    try {
      enter({ name: 'check', epoch: claim.epoch, resume: claim.resume });
      const opening = await checkStart(settings, session, facts, reader, claim.resume);
      if (opening.fork) this.#o.progress.forked(opening.at.end);
      const shapes = new ShapeBook({ codec: settings.codec, ...settings.pipeline, facts });
      const first = facts.empty ? await planFirstSnapshot(settings, session, shapes, opening) : undefined;
      signal.throwIfAborted();
      const parts = this.#parts(shapes);
      queue = parts.queue;
      await this.#open(parts, opening, first);
      this.#streaming = new Streaming(parts, opening);
      await this.#streaming.run(first);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#stop.abort();
      queue?.close();
    }
  }

  /** OPEN: appends it, reads it back, and only then confirms (R9). */
  async #open(parts: EpochParts, opening: Opening, first: FirstSnapshot | undefined): Promise<void> {
    const { claim, enter, facts } = this.#o;
    const { recorder, queue, readBack, failed, confirmer } = parts;
    enter({ name: 'open', epoch: claim.epoch, resume: opening.at });
    recorder.open(
      opening,
      first?.layout ?? facts.layout(),
      first ? [first.state] : this.#unfinished(opening),
    );
    await Promise.race([queue.settled(), failed, this.#aborted]);
    await Promise.race([readBack.settled(), failed, this.#aborted]);
    this.#stop.signal.throwIfAborted();
    confirmer.opened(opening.at);
  }

  /** What is still to be read: also tables whose repair was announced by a capture that died before it said who reads them. */
  #unfinished(opening: Opening): readonly SnapshotState[] {
    const { snapshots, unread } = this.#o.facts;
    return unread.size === 0 ? snapshots : [...snapshots, newSnapshot(snapshots, [...unread], opening.at)];
  }

  #parts(shapes: ShapeBook): EpochParts {
    const { settings, session, progress } = this.#o;
    const { log, limits, decisions, surroundings } = settings;
    const writer = this.#writer();
    const queue = new PublishQueue(() => this.#streaming?.pump());
    const confirmer = new Confirmer(session, decisions, progress, () => progress.received());
    const readBack = this.#readBack(confirmer, writer);
    const recorder = new Recorder({
      log,
      writer,
      queue,
      readBack,
      leader: session.identity,
      limits,
      clock: surroundings.clock,
      onPublished: (record, offset) => {
        progress.published(record);
        confirmer.moved(readBack.position, writer.tail);
        if (record.kind === 'progress' && record.snapshotDone && record.chunk)
          this.#finished = { id: record.chunk.snapshot, offset };
      },
    });
    const failed = Promise.race([queue.failed, readBack.failed]);
    // Awaited where it matters; until then a failure is not unhandled.
    failed.catch(() => {});
    return {
      ...this.#o,
      writer,
      queue,
      readBack,
      recorder,
      confirmer,
      shapes,
      signal: this.#stop.signal,
      failed,
      aborted: this.#aborted,
      finishedSnapshot: () => this.#finished,
    };
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
