import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** Table of the probes, as a publication lists it. */
export const probeTable = 'public.probe';
export const probeText = 'CREATE TABLE probe (id int PRIMARY KEY, number int NOT NULL)';
export const firstProbeText = 'INSERT INTO probe VALUES (1, 0)';

const stop_ms_max = 5_000;

export interface ProbeData {
  readonly leaderUrl: string;
  readonly followerUrl: string;
  readonly every_ms: number;
}

/** A probe that was committed on the leader and seen on the follower; wall clock. */
export interface ProbeSeen {
  readonly committed_ms: number;
  readonly latency_ms: number;
  /** What its commit on the leader took, as the client saw it: the peer, by which a busy machine is known. */
  readonly commit_ms: number;
}

/** Measures how long a committed row takes to be visible on the follower, past all proxies, in a thread of its own. */
export class Probe {
  readonly seen: ProbeSeen[] = [];
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #failure: unknown;

  constructor(data: ProbeData) {
    this.#worker = new Worker(new URL('./probe-thread.js', import.meta.url), { workerData: data });
    this.#exited = once(this.#worker, 'exit');
    this.#worker.on('message', (seen: ProbeSeen) => this.seen.push(seen));
    this.#worker.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Latencies of the last `count` probes that were committed after `since_ms`; undefined while there are fewer. Throws if probing failed. */
  latest(count: number, since_ms: number): readonly number[] | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const last = this.seen.slice(-count);
    if (last.length < count || (last[0] as ProbeSeen).committed_ms < since_ms) return undefined;
    return last.map(({ latency_ms }) => latency_ms);
  }

  async stop(): Promise<void> {
    this.#worker.postMessage('stop');
    await Promise.race([this.#exited, sleep(stop_ms_max, undefined, { ref: false })]);
    await this.#worker.terminate();
  }
}
