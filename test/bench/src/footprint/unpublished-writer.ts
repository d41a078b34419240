import { setTimeout as sleep } from 'node:timers/promises';
import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';

/** Modest, and steady: 100 commits of a kilobyte a second. */
const pause_ms = 10;
const row_bytes = 1_000;

/** Commits to a table that no publication holds. */
export class UnpublishedWriter {
  readonly #client: pg.Client;
  readonly #end = new AbortController();
  readonly #writing: Promise<void>;
  #commits = 0;
  #last: Promise<string> | undefined;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#writing = this.#write();
    // Seen by `stop`.
    this.#writing.catch(() => undefined);
  }

  static async start(leader: PgServer): Promise<UnpublishedWriter> {
    const client = await leader.connect();
    await client.query(
      'CREATE TABLE unpublished (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, filler text)',
    );
    return new UnpublishedWriter(client);
  }

  get commits(): number {
    return this.#commits;
  }

  /** End of what the leader has flushed by now. */
  async position(): Promise<string> {
    const { rows } = await this.#client.query<{ lsn: string }>(
      'SELECT pg_current_wal_flush_lsn()::text AS lsn',
    );
    return rows[0]?.lsn ?? '';
  }

  /** Ends writing; gives the leader's position after it. Throws what ended it before. Idempotent. */
  stop(): Promise<string> {
    this.#last ??= this.#stop();
    return this.#last;
  }

  async #stop(): Promise<string> {
    this.#end.abort();
    try {
      await this.#writing;
      return await this.position();
    } finally {
      await this.#client.end();
    }
  }

  async #write(): Promise<void> {
    const insert = { name: 'unpublished', text: 'INSERT INTO unpublished (filler) VALUES ($1)' };
    const filler = 'x'.repeat(row_bytes);
    while (!this.#end.signal.aborted) {
      await this.#client.query({ ...insert, values: [filler] });
      this.#commits += 1;
      await sleep(pause_ms);
    }
  }
}
