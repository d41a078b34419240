import type pg from 'pg';
import { account_count, noteText, openingBalance, openingNote } from './bank.js';

const schema = `
  CREATE TABLE ledger (
    client int, sequence int, debit int NOT NULL, credit int NOT NULL, amount int NOT NULL,
    PRIMARY KEY (client, sequence));
  CREATE TABLE account (
    id int PRIMARY KEY, balance bigint NOT NULL, version int NOT NULL, last text NOT NULL, note text NOT NULL);
  ALTER TABLE account ALTER COLUMN note SET STORAGE EXTERNAL;
  CREATE TABLE journal (client int, sequence int, entry text);
  ALTER TABLE journal REPLICA IDENTITY FULL;`;

/** Tables of the load, as a publication lists them. */
export const bankTables = ['public.ledger', 'public.account', 'public.journal'] as const;

/** Makes the load's tables, opens the accounts, and creates the oracle's own slot, all before the first transfer. */
export async function prepareLeader(client: pg.Client, slot: string): Promise<void> {
  await client.query(schema);
  for (let id = 1; id <= account_count; id++) {
    await client.query('INSERT INTO account VALUES ($1, $2, 0, $3, $4)', [
      id,
      openingBalance,
      '',
      noteText(openingNote(id)),
    ]);
  }
  await client.query(`SELECT pg_create_logical_replication_slot($1, 'test_decoding')`, [slot]);
}
