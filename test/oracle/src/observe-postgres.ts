import { type Lsn, lsn } from '@millrace/model';
import type pg from 'pg';
import type { Observation } from './check.js';

/**
 * Reads position and tables of a PostgreSQL follower in one snapshot. Undefined while the follower has no position yet, is
 * still building, or its tables do not exist. In partitioned mode the position is the least of all partitions.
 */
export async function observePostgres(client: pg.Client, follower: string): Promise<Observation | undefined> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const end = await positionOf(client, follower);
    return end === undefined ? undefined : { end, state: await bankOf(client) };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function positionOf(client: pg.Client, follower: string): Promise<Lsn | undefined> {
  const exists = await client.query(`SELECT to_regclass('millrace.positions') IS NOT NULL AS yes`);
  if (!exists.rows[0]?.yes) return undefined;
  const { rows } = await client.query<{ end: string; state: string }>(
    'SELECT "end"::text AS "end", state FROM millrace.positions WHERE follower = $1 ORDER BY positions."end"',
    [follower],
  );
  const [least] = rows;
  return least && rows.every(({ state }) => state === 'exact') ? lsn(BigInt(least.end)) : undefined;
}

async function bankOf(client: pg.Client): Promise<Observation['state']> {
  const ledger = await client.query<{ name: string }>(`SELECT client || '/' || sequence AS name FROM ledger`);
  const journal = await client.query<{ name: string }>('SELECT entry AS name FROM journal');
  const accounts = await client.query<{
    id: number;
    balance: string;
    version: number;
    last: string;
    digest: string;
  }>('SELECT id, balance, version, last, md5(note) AS digest FROM account');
  return {
    ledger: ledger.rows.map((row) => row.name),
    journal: journal.rows.map((row) => row.name),
    accounts: accounts.rows.map(({ id, balance, version, last, digest }) => ({
      id,
      balance: Number(balance),
      version,
      last,
      noteDigest: digest,
    })),
  };
}
