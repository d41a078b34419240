import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { lsn } from '@millrace/model';
import type { Observation } from './check.js';

/**
 * Reads position and tables of a DuckDB follower. One process owns the file: only between two runs of its applier.
 * Undefined while the follower has no exact position yet.
 */
export async function observeDuckDb(path: string, follower: string): Promise<Observation | undefined> {
  const instance = await DuckDBInstance.create(path);
  try {
    const connection = await instance.connect();
    try {
      return await observe(connection, follower);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

async function observe(connection: DuckDBConnection, follower: string): Promise<Observation | undefined> {
  const tables = await rows(
    connection,
    `SELECT 1 FROM information_schema.tables WHERE table_schema = 'millrace' AND table_name = 'positions'`,
  );
  if (tables.length === 0) return undefined;
  const [position] = await rows(
    connection,
    `SELECT "end"::VARCHAR, state FROM millrace.positions WHERE follower = '${follower}'`,
  );
  if (position?.[1] !== 'exact') return undefined;
  const ledger = await rows(connection, `SELECT client || '/' || sequence FROM public.ledger`);
  const journal = await rows(connection, 'SELECT entry FROM public.journal');
  const accounts = await rows(connection, 'SELECT id, balance, version, last, md5(note) FROM public.account');
  return {
    end: lsn(BigInt(String(position[0]))),
    state: {
      ledger: ledger.map(([name]) => String(name)),
      journal: journal.map(([name]) => String(name)),
      accounts: accounts.map(([id, balance, version, last, digest]) => ({
        id: Number(id),
        balance: Number(balance),
        version: Number(version),
        last: String(last),
        noteDigest: String(digest),
      })),
    },
  };
}

async function rows(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows();
}
