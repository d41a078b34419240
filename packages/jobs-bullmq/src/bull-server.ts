import type { JobsOptions } from 'bullmq';

/** What a job carries in BullMQ. */
export interface BullData {
  readonly payload: string;
  /** No further attempt. */
  readonly cancelled?: true;
}

/** Of BullMQ's classes, what is used here: their types differ by backend. */
export interface BullJob {
  readonly id?: string | undefined;
  readonly data: BullData;
  readonly attemptsMade: number;
  readonly opts: { readonly attempts?: number };
  getState(): Promise<string>;
  updateData(data: BullData): Promise<void>;
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
}

interface BullSide {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  disconnect(): Promise<void>;
}

export interface BullQueue extends BullSide {
  add(name: string, data: BullData, options: JobsOptions): Promise<unknown>;
  remove(id: string): Promise<number>;
  getJob(id: string): Promise<BullJob | undefined>;
  getJobState(id: string): Promise<string>;
  getJobCounts(...states: ('waiting' | 'delayed' | 'active')[]): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

export interface BullWorker extends BullSide {
  pause(doNotWaitActive: boolean): Promise<void>;
  close(force: boolean): Promise<void>;
}

export type BullProcessor = (job: BullJob, token?: string) => Promise<void>;

export interface WorkerSettings {
  readonly concurrency: number;
  /** A worker that has not renewed its lock for so long is dead: another takes its job. */
  readonly lock_ms: number;
}

/** A server that BullMQ can stand on. Nothing is opened before it is asked for. */
export interface BullServer {
  readonly kind: 'redis' | 'postgres';
  /** Its address, without credentials. */
  readonly where: string;
  /** Looks whether it may be used at all. Throws MR-6003, MR-6004, MR-6005, MR-6008. */
  prepare(): Promise<void>;
  queue(name: string): BullQueue;
  worker(name: string, processor: BullProcessor, settings: WorkerSettings): BullWorker;
}

/** A dead worker's locks are looked for so much more often than they expire. */
const stalledChecks = 2;
/** Crashes are no reason to give a job up: BullMQ's default is one. */
const stalled_max = 1_000_000;

/** After a failed connection a worker asks again so soon; BullMQ's default of 15 s would be added to every outage. */
const refetch_ms = 1_000;

/** The pause that a retry asked for. */
export class RetryWish extends Error {
  readonly in_ms: number;

  constructor(reason: string, in_ms: number) {
    super(reason);
    this.name = 'RetryWish';
    this.in_ms = in_ms;
  }
}

/** An error that is not ours, such as a lost lock: soon again. */
const unknownPause_ms = 1_000;

/** Options of workers on any server. */
export const workerOptions = ({ concurrency, lock_ms }: WorkerSettings) => ({
  concurrency,
  lockDuration: lock_ms,
  stalledInterval: Math.ceil(lock_ms / stalledChecks),
  maxStalledCount: stalled_max,
  runRetryDelay: refetch_ms,
  autorun: true,
  settings: {
    backoffStrategy: (_made: number, _type?: string, error?: Error): number =>
      error instanceof RetryWish ? error.in_ms : unknownPause_ms,
  },
});

/** Name of the backoff strategy above, in every job. */
export const retryType = 'asked';
