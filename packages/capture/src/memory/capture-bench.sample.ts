import { createCodec, memorySchemaStore } from '@millrace/codec';
import { type Log, MemoryLogServer } from '@millrace/log';
import { silentLogger, systemClock } from '@millrace/runtime';
import { expect } from 'vitest';
import { type Capture, createCapture } from '../capture-service.js';
import type { CaptureDecisions } from '../decisions.js';
import type { CaptureLimits, CapturePolicies } from '../options.js';
import type { Source } from '../source.js';
import { MemoryLeader } from './leader.js';
import type { MemorySourceOptions } from './options.js';
import { LogReplica } from './replica.js';
import { testRelation } from './shop.js';
import { MemorySource } from './source.js';

export const orders = 1;
export const lines = 2;
export const large = 'x'.repeat(60);

/** A leader, a log and captures on them. */
export class Bench {
  readonly leader = new MemoryLeader({ clock: systemClock });
  readonly server = new MemoryLogServer({ clock: systemClock });
  readonly codec = createCodec({
    format: 'json',
    preset: 'lossless',
    schemas: memorySchemaStore(),
    connectorName: 'shop',
    database: 'shop',
    version: 'test',
  });
  source: Partial<MemorySourceOptions> = { keepalive_ms: 5 };
  readonly running: { stop: AbortController; done: Promise<unknown>; capture: Capture }[] = [];

  constructor() {
    this.leader.createTable(testRelation(orders, 'orders'));
    this.leader.createTable(testRelation(lines, 'lines', { key: [], identity: 'full' }));
  }

  start(
    options: {
      limits?: Partial<CaptureLimits>;
      policies?: Partial<CapturePolicies>;
      decisions?: CaptureDecisions;
      source?: Source;
      log?: Log;
    } = {},
  ): Capture {
    const capture = createCapture({
      source: this.memorySource(),
      log: this.server.open(),
      codec: this.codec,
      pipeline: { topicPrefix: 'shop', partitions: 3 },
      surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
      host: 'test',
      pid: 1,
      version: 'test',
      ...options,
      limits: {
        idle_ms: 5,
        idleStep_ms: 5,
        followers_ms: 10,
        catalogue_ms: 20,
        windowRetry_ms: 2,
        ...options.limits,
      },
    });
    const stop = new AbortController();
    const done = capture.run(stop.signal).catch((error: unknown) => error);
    this.running.push({ stop, done, capture });
    return capture;
  }

  memorySource(): Source {
    return new MemorySource({ leader: this.leader, clock: systemClock, random: Math.random, ...this.source });
  }

  /** Ends every capture. */
  async end(): Promise<void> {
    while (this.running.length > 0) await this.stop();
  }

  async stop(): Promise<unknown> {
    const last = this.running.pop();
    last?.stop.abort();
    return await last?.done;
  }

  put(...rows: (readonly [number, string, string | null])[]): void {
    const transaction = this.leader.begin();
    transaction.insert(orders, ...rows.map(([id, name, note]) => [String(id), name, note]));
    transaction.commit();
  }

  /** A replica that has everything that the leader committed, compared row by row. */
  async replicated(): Promise<LogReplica> {
    const { position } = this.leader;
    const replica = new LogReplica(this.server.open(), this.codec);
    await until(async () => {
      await replica.catchUp();
      return replica.position.end >= position && replica.exact;
    });
    for (const oid of [orders, lines])
      expect(replica.rows(oid)).toEqual(
        [...this.leader.rows(oid)].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
      );
    return replica;
  }
}

export async function until(condition: () => Promise<boolean> | boolean, limit_ms = 5_000): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > limit_ms) throw new Error('waited too long');
    await systemClock.sleep(2);
  }
}
