import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '@millrace/model';
import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';

const poll_ms = 50;
const advance_ms_max = 60_000;

/** Looks at one slot over a session of its own. */
export class SlotPosition {
  readonly #client: pg.Client;
  readonly #slot: string;

  private constructor(client: pg.Client, slot: string) {
    this.#client = client;
    this.#slot = slot;
  }

  static async of(leader: PgServer, slot: string): Promise<SlotPosition> {
    return new SlotPosition(await leader.connect(), slot);
  }

  /** Until nobody reads from it: a walsender may outlive its client for a moment. */
  async untilFree(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + advance_ms_max;
    for (;;) {
      const { rowCount } = await this.#client.query(
        'SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
        [this.#slot],
      );
      if (rowCount === 1) return;
      if (performance.now() > deadline) throw new Error(`slot ${this.#slot} was not free within a minute`);
      await sleep(poll_ms, undefined, { signal });
    }
  }

  /** Until it is confirmed up to `lsn`. Throws when that takes a minute. */
  async untilPast(lsn: string, signal: AbortSignal): Promise<void> {
    const wanted = parseLsn(lsn);
    const deadline = performance.now() + advance_ms_max;
    for (;;) {
      const confirmed = await this.#confirmed();
      if (confirmed !== undefined && parseLsn(confirmed) >= wanted) return;
      if (performance.now() > deadline)
        throw new Error(`slot ${this.#slot} stands at ${confirmed}, and not at ${lsn} within a minute`);
      await sleep(poll_ms, undefined, { signal });
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #confirmed(): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ lsn: string | null }>(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [this.#slot],
    );
    return rows[0]?.lsn ?? undefined;
  }
}
