import type { Codec } from '@millrace/codec';
import type { Log } from '@millrace/log';
import type { Surroundings } from '@millrace/runtime';
import type { CaptureDecisions } from './decisions.js';
import type { Source } from './source.js';

/** What a capture is made of. */
export interface CaptureOptions {
  readonly source: Source;
  readonly log: Log;
  readonly codec: Codec;
  readonly pipeline: CapturePipeline;
  readonly surroundings: Surroundings;
  /** Stand in claims, for people. */
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly policies?: Partial<CapturePolicies>;
  readonly limits?: Partial<CaptureLimits>;
  /** Replaced only by simulations. */
  readonly decisions?: CaptureDecisions;
}

export interface CapturePipeline {
  readonly topicPrefix: string;
  /** Partitions of a new topic. Topics keep the count their layout names (R17). */
  readonly partitions: number;
  /** Followers whose least position is reported to the leader as applied (§11); none: 0 is reported. */
  readonly applyFollowers?: readonly string[];
}

export interface CapturePolicies {
  /** The leader failed over and lacks published commits: stop (MR-2007), or retract them and read every table again. */
  readonly onFork: 'stop' | 'resnapshot';
  /** Commits are missing between log and slot, or the log lost events: stop (MR-2005, MR-2006, MR-3005, MR-3007), or read every table again. */
  readonly onGap: 'stop' | 'resnapshot';
  /** A shape, or what became of old rows, cannot be told (R38): stop (MR-2010), or read the table again. */
  readonly onSchemaUncertain: 'stop' | 'repair';
}

export const defaultPolicies: CapturePolicies = {
  onFork: 'stop',
  onGap: 'stop',
  onSchemaUncertain: 'stop',
};

/** Bounds of a capture (promise 7). */
export interface CaptureLimits {
  /** Events sealed and not yet in the log; beyond, the stream is paused. */
  readonly queued_bytes: number;
  /** A batch is cut at the next commit beyond this. */
  readonly batch_bytes: number;
  readonly batch_events: number;
  /** A transaction beyond this is appended in parts ahead of its record. */
  readonly part_bytes: number;
  /** Least pause between two records without events … */
  readonly idle_ms: number;
  /** … and before one that moves the position by less than `idleStep_bytes`: each costs a write to the log and one to every follower. */
  readonly idleStep_ms: number;
  readonly idleStep_bytes: number;
  /** A checkpoint is due after this time, if anything was recorded since the last one … */
  readonly checkpoint_ms: number;
  /** … or after this many records. */
  readonly checkpoint_records: number;
  /** How often follower reports and requests are looked at. */
  readonly followers_ms: number;
  /** How often progress records that nobody needs any more are trimmed, in a log that leaves it to us. */
  readonly trim_ms: number;
  /** … and how old they are then at least: as long as events are kept, so that a follower restored from a backup can go on. */
  readonly trimAfter_ms: number;
  /** How often the catalogue is asked for tables that joined the publication without an event. */
  readonly catalogue_ms: number;
  /** Rows of a chunk of a snapshot. */
  readonly chunk_rows: number;
  /** Bytes of a windowed chunk, and of the events of its window, held in memory. Tables read whole go to a temporary file beyond. */
  readonly window_bytes: number;
  /** Chunks of the initial snapshot read at the same time. */
  readonly snapshotReaders: number;
  /** Transactions remembered for R36. */
  readonly window_xids: number;
  /** Pause before a discarded windowed chunk is read again, doubled up to `windowRetry_max_ms`. */
  readonly windowRetry_ms: number;
  readonly windowRetry_max_ms: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: CaptureLimits = {
  queued_bytes: 32 * mebibyte,
  batch_bytes: 4 * mebibyte,
  batch_events: 50_000,
  part_bytes: 4 * mebibyte,
  idle_ms: 200,
  idleStep_ms: 1_000,
  idleStep_bytes: mebibyte,
  checkpoint_ms: 60_000,
  checkpoint_records: 1_000,
  followers_ms: 500,
  trim_ms: 5 * 60_000,
  trimAfter_ms: 7 * 24 * 3_600_000,
  catalogue_ms: 10_000,
  chunk_rows: 20_000,
  window_bytes: 16 * mebibyte,
  snapshotReaders: 2,
  window_xids: 1_000_000,
  windowRetry_ms: 20,
  windowRetry_max_ms: 2_000,
};

/** Options with every default filled in. */
export interface CaptureSettings extends CaptureOptions {
  readonly policies: CapturePolicies;
  readonly limits: CaptureLimits;
  readonly decisions: CaptureDecisions;
}
