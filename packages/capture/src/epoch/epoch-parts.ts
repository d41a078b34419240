import type { ChainReader, FollowerReports } from '@millrace/log';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { ChainWriter } from '../chain/chain-writer.js';
import type { Confirmer } from '../chain/confirmer.js';
import type { Progress } from '../chain/progress.js';
import type { PublishQueue } from '../chain/publish-queue.js';
import type { ReadBack } from '../chain/read-back.js';
import type { Recorder } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import type { SourceSession } from '../source.js';
import type { CaptureState } from '../state.js';
import type { ShapeBook } from '../stream/shape-book.js';
import type { FinishedSnapshot } from '../watches/followers-watch.js';
import type { Claim } from './claim.js';

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

/** What the parts of an epoch share. */
export interface EpochParts extends EpochOptions {
  readonly writer: ChainWriter;
  readonly queue: PublishQueue;
  readonly readBack: ReadBack;
  readonly recorder: Recorder;
  readonly confirmer: Confirmer;
  readonly shapes: ShapeBook;
  readonly signal: AbortSignal;
  /** Rejects with the first fault of writing or reading back. */
  readonly failed: Promise<never>;
  /** Resolves when the epoch is told to end. */
  readonly aborted: Promise<void>;
  readonly finishedSnapshot: () => FinishedSnapshot | undefined;
}
