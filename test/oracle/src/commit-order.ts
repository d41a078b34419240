import { type Lsn, parseLsn } from '@millrace/model';
import type pg from 'pg';
import type { CommittedTransfer, Transfer } from './bank.js';

const changes_per_read = 20_000;
const ledgerRow =
  /^table public\.ledger: INSERT: client\[integer\]:(-?\d+) sequence\[integer\]:(\d+) debit\[integer\]:(\d+) credit\[integer\]:(\d+) amount\[integer\]:(\d+)$/;

/**
 * The leader's commit order, read through a test_decoding slot that has nothing to do with Millrace. Consumed piece by
 * piece and kept here; after a crash of the leader the slot may repeat itself, so what is known is skipped.
 */
export class CommitOrder {
  readonly transfers: CommittedTransfer[] = [];
  readonly #slot: string;
  #known: Lsn = 0n as Lsn;

  constructor(slot: string) {
    this.#slot = slot;
  }

  /** Reads on to the present end of the leader's WAL. */
  async advance(client: pg.Client): Promise<readonly CommittedTransfer[]> {
    while (true) {
      const { rows } = await client.query<{ lsn: string; data: string }>(
        `SELECT lsn::text, data FROM pg_logical_slot_get_changes($1, NULL, $2, 'include-xids', '0', 'skip-empty-xacts', '1')`,
        [this.#slot, changes_per_read],
      );
      if (rows.length === 0) return this.transfers;
      this.#take(rows);
    }
  }

  #take(rows: readonly { readonly lsn: string; readonly data: string }[]): void {
    let transfer: Transfer | undefined;
    for (const { lsn, data } of rows) {
      const match = ledgerRow.exec(data);
      if (match) transfer = transferOf(match);
      if (data !== 'COMMIT') continue;
      const end = parseLsn(lsn);
      if (transfer && end > this.#known) {
        this.transfers.push({ ...transfer, end });
        this.#known = end;
      }
      transfer = undefined;
    }
  }
}

function transferOf(match: RegExpExecArray): Transfer {
  const [client, sequence, debit, credit, amount] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { client, sequence, debit, credit, amount };
}
