import { PgSession, sqlStateOf } from '@millrace/postgres';
import { systemClock } from '@millrace/runtime';
import { halfwaySql, transactionSql } from './shop.js';

/** What two cores carry beside two servers, capture, two appliers and a monitor. */
const workers = 3;
const pause_ms = 4;
/** Transactions of the load may meet in another order; the server breaks the tie and one is tried no more. */
const deadlock = '40P01';

/** The shop at work: small transactions from several sessions until stopped. */
export class LiveLoad {
  readonly #url: string;
  readonly #rows: number;
  readonly #stop = new AbortController();
  #running: Promise<void>[] = [];
  #columnAdded = false;
  transactions = 0;

  constructor(url: string, rows: number) {
    this.#url = url;
    this.#rows = rows;
  }

  async start(): Promise<void> {
    const sessions = await Promise.all(
      Array.from({ length: workers }, () =>
        PgSession.open(this.#url, { role: 'leader', applicationName: 'shop' }),
      ),
    );
    this.#running = sessions.map((session) => this.#work(session));
    // Awaited by `stop`; a failure until then must not end the process.
    for (const worker of this.#running) worker.catch(() => undefined);
  }

  /** Adds the column and truncates, in the midst of the load. */
  async halfway(): Promise<void> {
    const session = await PgSession.open(this.#url, { role: 'leader' });
    try {
      await session.query('changing the schema', halfwaySql);
      this.#columnAdded = true;
    } finally {
      await session.close();
    }
  }

  /** Ends the load after the transactions under way; throws what ended a worker early. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #work(session: PgSession): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        await this.#one(session);
        await systemClock.sleep(pause_ms, signal);
      }
    } finally {
      await session.close();
    }
  }

  async #one(session: PgSession): Promise<void> {
    const dice = (below: number): number => Math.floor(Math.random() * below);
    try {
      await session.query('shopping', transactionSql(dice, this.#rows, this.#columnAdded));
      this.transactions += 1;
    } catch (error) {
      await session.query('rolling back', 'ROLLBACK');
      // 40P01, or a row that a key change of another session moved away and back: the shop just goes on.
      if (sqlStateOf(error) !== deadlock && sqlStateOf(error) !== '23505') throw error;
    }
  }
}
