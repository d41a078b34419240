import {
  type Account,
  account_count,
  type BankRules,
  type BankState,
  type CommittedTransfer,
  noteDigest,
  openingBalance,
  openingNote,
  removedFromJournal,
  removedFromLedger,
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
export function replay(transfers: readonly CommittedTransfer[], rules: BankRules = {}): BankState {
  const accounts = openingAccounts();
  const ledger = new Set<string>();
  const journalOf = new Map<number, string[]>();
  for (const transfer of transfers) {
    const name = transferName(transfer);
    ledger.add(name);
    const left = removedFromLedger(transfer.sequence, rules);
    if (left !== undefined) ledger.delete(transferName({ client: transfer.client, sequence: left }));
    touch(accounts, transfer.debit, -transfer.amount, name);
    touch(accounts, transfer.credit, transfer.amount, name);
    if (rewritesNote(transfer.sequence)) setNote(accounts, transfer.credit, noteDigest(name));
    const journal = journalOf.get(transfer.client) ?? [];
    journalOf.set(transfer.client, journal);
    journal.push(name);
    const removed = removedFromJournal(transfer.sequence, rules);
    if (removed !== undefined)
      removeOne(journal, transferName({ client: transfer.client, sequence: removed }));
  }
  return { ledger: [...ledger], accounts: [...accounts.values()], journal: [...journalOf.values()].flat() };
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
