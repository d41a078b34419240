import { createHash } from 'node:crypto';
import type { Lsn } from '@millrace/model';

/** One leader transaction of the load: it moves money, signs the ledger, and touches every kind of table. */
export interface Transfer {
  readonly client: number;
  readonly sequence: number;
  readonly debit: number;
  readonly credit: number;
  readonly amount: number;
}

/** A transfer at its place in the leader's commit order, as the independent slot saw it. */
export interface CommittedTransfer extends Transfer {
  /** End LSN of its commit. */
  readonly end: Lsn;
}

export interface Account {
  readonly id: number;
  readonly balance: number;
  /** Updates of this account so far. */
  readonly version: number;
  /** `client/sequence` of the last transfer that touched it, empty before the first. */
  readonly last: string;
  /** MD5 of the large note that most updates leave alone. */
  readonly noteDigest: string;
}

/** What a follower, or the replay, holds of the load's tables. */
export interface BankState {
  /** `client/sequence`, any order. */
  readonly ledger: readonly string[];
  readonly accounts: readonly Account[];
  /** Rows of the keyless table, `client/sequence`, with repetitions. */
  readonly journal: readonly string[];
}

/** How much the load leaves in its tables. */
export interface BankRules {
  /**
   * Ledger and journal rows per client that stay: every transfer removes both rows of the one so many before it, so that a load of
   * any length leaves tables of one size. Undefined: the ledger keeps all, and some transfers remove the journal row before them.
   */
  readonly kept?: number;
}

/** Of the transfers of the same client: whose journal row a transfer removes. Undefined: none. */
export function removedFromJournal(sequence: number, { kept }: BankRules): number | undefined {
  if (kept === undefined) return removesJournalRow(sequence) ? sequence - 1 : undefined;
  return removedFromLedger(sequence, { kept });
}

/** Of the transfers of the same client: whose ledger row a transfer removes. Undefined: none. */
export function removedFromLedger(sequence: number, { kept }: BankRules): number | undefined {
  return kept !== undefined && sequence >= kept ? sequence - kept : undefined;
}

export const account_count = 40;
export const openingBalance = 1_000;

/** Every fifth transfer of a client removes the journal row of the one before. */
const removesJournalRow = (sequence: number): boolean => sequence % 5 === 4;

/** Every seventh transfer of a client writes the credited account a new note. */
export const rewritesNote = (sequence: number): boolean => sequence % 7 === 0;

export const transferName = (transfer: Pick<Transfer, 'client' | 'sequence'>): string =>
  `${transfer.client}/${transfer.sequence}`;

/** A note too large for its row's page, so that PostgreSQL keeps it apart and leaves it out of updates that spare it. */
export function noteText(seed: string): string {
  return createHash('md5').update(seed).digest('hex').repeat(120);
}

export const noteDigest = (seed: string): string => createHash('md5').update(noteText(seed)).digest('hex');

/** Seed of the note that account `id` has before any transfer. */
export const openingNote = (id: number): string => `account ${id}`;
