import { PgSession } from '@millrace/postgres';
import { toFault } from '@millrace/runtime';
import { accountBalance, accountCount } from './shop.js';

/** Looks at the follower's bank while it runs: money only moves, so every snapshot must hold the same sum (promise 3). */
export class BankWatch {
  readonly #url: string;
  #session: PgSession | undefined;
  looks = 0;
  broken = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** One look. A follower that cannot be asked at the moment is no look. */
  async look(): Promise<void> {
    try {
      this.#session ??= await PgSession.open(this.#url, { role: 'follower' });
      const row = await this.#session.queryOne(
        'looking at the bank',
        'SELECT pg_catalog.sum(balance)::pg_catalog.int8 AS sum, pg_catalog.count(*) AS count FROM public.accounts',
      );
      this.looks += 1;
      if (Number(row.count) !== accountCount || Number(row.sum) !== accountCount * accountBalance)
        this.broken += 1;
    } catch (error) {
      await this.close();
      if (toFault(error).code !== 'MR-4001') throw error;
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}
