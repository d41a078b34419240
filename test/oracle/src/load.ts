import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  account_count,
  type BankRules,
  noteText,
  removedFromJournal,
  removedFromLedger,
  rewritesNote,
  type Transfer,
  transferName,
} from './bank.js';

const reconnect_ms = 100;
const amount_max = 50;

export interface LoadOptions extends BankRules {
  readonly url: string;
  readonly clients: number;
  /** Pause of each client between transactions; 0 for none. */
  readonly pause_ms: number;
  /**
   * An open loop instead of pauses: commits per second of all clients together, asked before each. Commits that were due while
   * the leader was away are made up for.
   */
  readonly rate_per_s?: () => number;
  readonly onCommit?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Writers that survive the leader: each client commits transfers one after another until `signal` aborts, reconnects when the
 * connection breaks, and then learns from the ledger whether its last commit happened. Resolves with the number of
 * transactions known to be committed.
 */
export async function runLoad(options: LoadOptions): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: options.clients }, (_, client) => runClient(client, options)),
  );
  return counts.reduce((total, count) => total + count, 0);
}

async function runClient(client: number, options: LoadOptions): Promise<number> {
  const { url, signal, onCommit } = options;
  const turn = turnsOf(client, options);
  let committed = 0;
  while (!signal.aborted) {
    const connection = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    connection.on('error', () => undefined);
    try {
      await connection.connect();
      let sequence = await nextSequence(connection, client);
      committed = sequence;
      while (!signal.aborted) {
        await commitTransfer(connection, randomTransfer(client, sequence), options);
        committed = ++sequence;
        onCommit?.();
        await turn();
      }
    } catch (error) {
      if (!isOutage(error)) throw error;
      await sleep(reconnect_ms);
    } finally {
      await connection.end().catch(() => undefined);
    }
  }
  return committed;
}

/** Waits until a client's next commit is due. */
function turnsOf(client: number, { clients, pause_ms, rate_per_s }: LoadOptions): () => Promise<void> {
  if (!rate_per_s) return async () => (pause_ms > 0 ? sleep(pause_ms) : undefined);
  // The clients' turns are spread over the interval.
  let due_ms = performance.now() + (client * 1_000) / rate_per_s();
  return async () => {
    due_ms += (clients * 1_000) / rate_per_s();
    const wait_ms = due_ms - performance.now();
    if (wait_ms > 0) await sleep(wait_ms);
  };
}

/** Broken connections and a server that is starting or ending; anything else is an error of the load itself. */
function isOutage(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  const message = error instanceof Error ? error.message : '';
  return (
    /^(57P|08|ECONN|EPIPE)/.test(code) || /Connection terminated|timeout expired|not queryable/.test(message)
  );
}

async function nextSequence(connection: pg.Client, client: number): Promise<number> {
  const { rows } = await connection.query<{ next: number }>(
    'SELECT coalesce(max(sequence) + 1, 0) AS next FROM ledger WHERE client = $1',
    [client],
  );
  return rows[0]?.next ?? 0;
}

function randomTransfer(client: number, sequence: number): Transfer {
  const debit = 1 + Math.floor(Math.random() * account_count);
  const other = 1 + Math.floor(Math.random() * (account_count - 1));
  const credit = other === debit ? account_count : other;
  return { client, sequence, debit, credit, amount: 1 + Math.floor(Math.random() * amount_max) };
}

async function commitTransfer(connection: pg.Client, transfer: Transfer, rules: BankRules): Promise<void> {
  const { client, sequence, debit, credit, amount } = transfer;
  const name = transferName(transfer);
  await connection.query('BEGIN');
  await connection.query('INSERT INTO ledger VALUES ($1, $2, $3, $4, $5)', [
    client,
    sequence,
    debit,
    credit,
    amount,
  ]);
  // Lower id first, so that two transfers never wait for each other.
  const moves = [
    { id: debit, by: -amount },
    { id: credit, by: amount },
  ].sort((a, b) => a.id - b.id);
  for (const { id, by } of moves) {
    await connection.query(
      'UPDATE account SET balance = balance + $2, version = version + 1, last = $3 WHERE id = $1',
      [id, by, name],
    );
  }
  if (rewritesNote(sequence)) {
    await connection.query('UPDATE account SET note = $2 WHERE id = $1', [credit, noteText(name)]);
  }
  await connection.query('INSERT INTO journal VALUES ($1, $2, $3)', [client, sequence, name]);
  const left = removedFromLedger(sequence, rules);
  if (left !== undefined)
    await connection.query('DELETE FROM ledger WHERE client = $1 AND sequence = $2', [client, left]);
  const removed = removedFromJournal(sequence, rules);
  if (removed !== undefined)
    await connection.query('DELETE FROM journal WHERE client = $1 AND sequence = $2', [client, removed]);
  await connection.query('COMMIT');
}
