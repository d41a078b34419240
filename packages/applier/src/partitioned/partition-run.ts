import type { FollowerPartition } from '@millrace/follower';
import { isFault } from '@millrace/runtime';
import { RegisteredAnew } from '../session/own-row.js';
import { SessionRunner } from '../session/session-runner.js';
import type { SessionSettings } from '../session/session-scope.js';
import type { Standing } from '../session/standing.js';
import type { Topics } from '../session/topics.js';
import { StatusBoard } from '../status.js';
import { partitionOf } from './partition.js';

/** How the work on a partition ended. */
export type PartitionEnd =
  /** On request. */
  | { readonly kind: 'released' }
  /** Another worker took it over. */
  | { readonly kind: 'fenced' }
  /** The whole follower was registered anew. */
  | { readonly kind: 'anew' }
  /** A fault that needs an operator. */
  | { readonly kind: 'fault'; readonly error: unknown };

/** What the rows of all partitions said when this one was taken. */
export interface Division {
  readonly count: number;
  /** The registration that `count` belongs to. */
  readonly registration: number;
  /** The registration that the rows belong to now; undefined when there are none. */
  readonly newest: () => Promise<number | undefined>;
}

/** This worker's work on one partition, from its claim to its end. */
export class PartitionRun {
  readonly number: number;
  readonly board: PartitionBoard;
  readonly ended: Promise<PartitionEnd>;
  readonly #stop = new AbortController();

  constructor(number: number, division: Division, handle: FollowerPartition, settings: SessionSettings) {
    this.number = number;
    this.board = new PartitionBoard(settings.name, settings.surroundings.clock);
    const options = {
      ...settings,
      follower: handle,
      partition: partitionOf(number, division.count, handle),
      registration: division.registration,
      register: async () => undefined,
    };
    const turns = {
      next: async () => !this.#stop.signal.aborted,
      during: async () => undefined,
      stepBack: () => undefined,
      endsWhenAnew: true,
    };
    this.ended = new SessionRunner(options, this.board, turns)
      .run(this.#stop.signal)
      .then(
        (): PartitionEnd => ({ kind: 'released' }),
        (error: unknown) => endOf(error, division),
      )
      .finally(() => handle.close().catch(() => undefined));
  }

  /** Ends after the transaction under way; `ended` tells when. */
  release(): void {
    this.#stop.abort();
  }

  get isReleased(): boolean {
    return this.#stop.signal.aborted;
  }
}

/** Keeps the standing that sessions tell of, for the report that one worker makes for all. */
export class PartitionBoard extends StatusBoard {
  stands: { readonly standing: Standing; readonly topics: Topics } | undefined;

  override standing(standing: Standing, topics: Topics): void {
    this.stands = { standing, topics };
    super.standing(standing, topics);
  }
}

async function endOf(error: unknown, { registration, newest }: Division): Promise<PartitionEnd> {
  if (error instanceof RegisteredAnew) return { kind: 'anew' };
  if (isFault(error, 'MR-4003')) return { kind: 'fenced' };
  // A resync leads on from whatever had stopped the registration before it, and into fewer partitions it takes rows away.
  const now = await newest().catch(() => undefined);
  return now !== undefined && now > registration ? { kind: 'anew' } : { kind: 'fault', error };
}
