import type { Row } from '@millrace/model';
import type { SourceSession } from '../source.js';
import type { LeaderTransaction, SourceHarness, TableSpec } from './harness.js';
import { Streaming } from './recorder.js';

export const orders: TableSpec = {
  name: 'orders',
  columns: [
    { name: 'id', type: 'int4' },
    { name: 'name', type: 'text' },
    { name: 'note', type: 'text' },
  ],
  key: ['id'],
  identity: 'default',
};

export const audited: TableSpec = { ...orders, name: 'audited', identity: 'full' };

export const lines: TableSpec = {
  name: 'lines',
  columns: [
    { name: 'product', type: 'text' },
    { name: 'pieces', type: 'int4' },
  ],
  key: [],
  identity: 'full',
};

/** One test's leader, sessions and streams; everything is closed at the end. */
export class SourceBench {
  readonly harness: SourceHarness;
  readonly waits: string[] = [];
  readonly #sessions: SourceSession[] = [];
  readonly #streams: Streaming[] = [];

  constructor(harness: SourceHarness) {
    this.harness = harness;
  }

  static async with(harness: SourceHarness, ...tables: readonly TableSpec[]): Promise<SourceBench> {
    for (const table of tables) await harness.leader.createTable(table);
    return new SourceBench(harness);
  }

  async acquire(signal: AbortSignal = new AbortController().signal): Promise<SourceSession> {
    const session = await this.harness
      .source()
      .acquire({ signal, onWait: (reason) => this.waits.push(reason) });
    this.#sessions.push(session);
    return session;
  }

  stream(session: SourceSession): Streaming {
    const streaming = new Streaming(session);
    this.#streams.push(streaming);
    return streaming;
  }

  /** A session that streams. */
  async streaming(): Promise<{ readonly session: SourceSession; readonly stream: Streaming }> {
    const session = await this.acquire();
    return { session, stream: this.stream(session) };
  }

  async transaction(work: (transaction: LeaderTransaction) => Promise<void>): Promise<void> {
    const transaction = await this.harness.leader.begin();
    await work(transaction);
    await transaction.commit();
  }

  async insert(table: string, ...rows: readonly Row[]): Promise<void> {
    await this.transaction((transaction) => transaction.insert(table, rows));
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) await stream.stop().catch(() => {});
    for (const session of this.#sessions) await session.close();
    await this.harness.destroy();
  }
}
