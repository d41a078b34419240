import { setTimeout as sleep } from 'node:timers/promises';
import type { BullQueue, BullServer, BullWorker, WorkerSettings } from './bull-server.js';

/** An orderly end of BullMQ's connections may take this long; then they are cut. */
const goodbye_ms_max = 500;

export interface SessionOptions {
  readonly server: BullServer;
  readonly queueName: string;
  readonly settings: WorkerSettings;
  readonly onError: (error: Error) => void;
}

/**
 * BullMQ's queue and worker from one successful connection on. They heal short outages by themselves; after longer ones
 * the runner makes a new session, because some of their failures stick (a rejected first connection, for one).
 */
export class BullSession {
  readonly queue: BullQueue;
  readonly #options: SessionOptions;
  #worker: BullWorker | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.queue = options.server.queue(options.queueName);
    this.queue.on('error', options.onError);
  }

  get worker(): BullWorker | undefined {
    return this.#worker;
  }

  ready(): Promise<unknown> {
    return this.queue.waitUntilReady();
  }

  async work(process: Parameters<BullServer['worker']>[1]): Promise<void> {
    const { server, queueName, settings, onError } = this.#options;
    this.#worker = server.worker(queueName, process, settings);
    this.#worker.on('error', onError);
    await this.#worker.waitUntilReady();
  }

  /** No new attempts; those under way go on. */
  async pause(): Promise<void> {
    await this.#worker?.pause(true);
  }

  /** Never rejects. `idle`: no attempt is under way, so that BullMQ can end in order. */
  async close(idle: boolean): Promise<void> {
    const closing = [this.#worker?.close(!idle), this.queue.close()].map((end) =>
      end?.catch(() => undefined),
    );
    await Promise.race([Promise.all(closing), sleep(goodbye_ms_max, undefined, { ref: false })]);
    const cut = [this.queue, this.#worker].map((side) => side?.disconnect().catch(() => undefined));
    await Promise.race([Promise.all(cut), sleep(goodbye_ms_max / 2, undefined, { ref: false })]);
  }
}
