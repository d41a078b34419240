import { afterEach, beforeEach } from 'vitest';
import type { Appender, Log } from '../port.js';
import { claimBytes, fenceOf } from './events.js';

/** One log under test, fresh and empty. */
export interface LogHarness {
  /** What the names of event topics begin with, for logs that share a server with others. Default `shop`. */
  readonly prefix?: string;
  /** Another handle on the same log, as another process would have one. */
  open(): Promise<Log>;
  /** Lets every process on the log die and the log come back, as far as this kind of log can. */
  crash?(): Promise<void>;
  /** Ends everything and removes the log. */
  destroy(): Promise<void>;
}

/** One fresh log per test, removed afterwards. */
export interface LogBench {
  readonly harness: LogHarness;
  /** The test's own handle. */
  readonly log: Log;
  /** Of events; not made yet. */
  readonly topic: string;
  /** An appender under a claim that counts. */
  claimed(epoch?: number): Promise<Appender>;
  /** Another handle in place of `log`, after everything died. */
  reopened(): Promise<Log>;
  progressOffsets(): Promise<bigint[]>;
}

export function benchPerTest(makeHarness: () => Promise<LogHarness>): LogBench {
  let harness: LogHarness;
  let log: Log;
  beforeEach(async () => {
    harness = await makeHarness();
    log = await harness.open();
  });
  afterEach(async () => {
    await log.close();
    await harness.destroy();
  });
  return {
    get harness() {
      return harness;
    },
    get log() {
      return log;
    },
    get topic() {
      return `${harness.prefix ?? 'shop'}.public.orders`;
    },
    async claimed(epoch = 1) {
      const fence = fenceOf(epoch);
      await log.progress.appendClaim(claimBytes(log, fence), fence);
      return log.appender(fence);
    },
    async reopened() {
      await log.close();
      await harness.crash?.();
      log = await harness.open();
      return log;
    },
    async progressOffsets() {
      return (await log.progress.read(0n, 1 << 20)).records.map((record) => record.offset);
    },
  };
}
