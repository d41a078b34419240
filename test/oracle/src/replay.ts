import {
  type Account,
  account_count,
  type BankState,
  type CommittedTransfer,
  noteDigest,
  openingBalance,
  openingNote,
  removesJournalRow,
  rewritesNote,
  transferName,
} from './bank.js';

function openingAccounts(): Map<number, Account> {
  const accounts = new Map<number, Account>();
  for (let id = 1; id <= account_count; id++) {
    accounts.set(id, {
      id,
      balance: openingBalance,
      version: 0,
      last: '',
      noteDigest: noteDigest(openingNote(id)),
    });
  }
  return accounts;
}

function removeOne(from: string[], name: string): void {
  const at = from.indexOf(name);
  if (at >= 0) from.splice(at, 1);
}

/** What the leader's tables held after exactly these transfers, in this order. */
export function replay(transfers: readonly CommittedTransfer[]): BankState {
  const accounts = openingAccounts();
  const ledger: string[] = [];
  const journalOf = new Map<number, string[]>();
  for (const transfer of transfers) {
    const name = transferName(transfer);
    ledger.push(name);
    touch(accounts, transfer.debit, -transfer.amount, name);
    touch(accounts, transfer.credit, transfer.amount, name);
    if (rewritesNote(transfer.sequence)) setNote(accounts, transfer.credit, noteDigest(name));
    const journal = journalOf.get(transfer.client) ?? [];
    journalOf.set(transfer.client, journal);
    journal.push(name);
    if (removesJournalRow(transfer.sequence)) {
      removeOne(journal, transferName({ client: transfer.client, sequence: transfer.sequence - 1 }));
    }
  }
  return { ledger, accounts: [...accounts.values()], journal: [...journalOf.values()].flat() };
}

function touch(accounts: Map<number, Account>, id: number, amount: number, last: string): void {
  const account = accounts.get(id);
  if (!account) throw new Error(`the load named account ${id}, which does not exist`);
  accounts.set(id, { ...account, balance: account.balance + amount, version: account.version + 1, last });
}

function setNote(accounts: Map<number, Account>, id: number, digest: string): void {
  const account = accounts.get(id);
  if (account) accounts.set(id, { ...account, noteDigest: digest });
}
