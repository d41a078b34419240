import { formatLsn, type Lsn } from '@millrace/model';
import {
  type Account,
  account_count,
  type BankRules,
  type BankState,
  type CommittedTransfer,
  openingBalance,
} from './bank.js';
import { replay } from './replay.js';

/** What a follower showed in one consistent read: its stored position's end, and the tables. */
export interface Observation {
  readonly end: Lsn;
  readonly state: BankState;
}

const shown_max = 5;

/**
 * Holds an observation against the leader's commit list (promises 2 and 3): the follower must equal the replay of exactly
 * the prefix that its own position names. Returns what is wrong, in words; empty when all is well.
 * `committed` must reach at least as far as the position.
 */
export function checkObservation(
  committed: readonly CommittedTransfer[],
  observed: Observation,
  rules: BankRules = {},
): string[] {
  const prefix = committed.filter((transfer) => transfer.end <= observed.end);
  const expected = replay(prefix, rules);
  return [
    ...compareNames('ledger', expected.ledger, observed.state.ledger),
    ...compareNames('journal', expected.journal, observed.state.journal),
    ...compareAccounts(expected.accounts, observed.state.accounts),
    ...checkSum(observed.state.accounts),
  ].map((violation) => `at ${formatLsn(observed.end)} (${prefix.length} commits): ${violation}`);
}

/** Holds two successive observations of one follower against each other: positions and versions never go back. */
export function checkSuccession(earlier: Observation, later: Observation): string[] {
  const violations: string[] = [];
  if (later.end < earlier.end)
    violations.push(`position went back from ${formatLsn(earlier.end)} to ${formatLsn(later.end)}`);
  const versions = new Map(earlier.state.accounts.map((account) => [account.id, account.version]));
  for (const account of later.state.accounts) {
    const before = versions.get(account.id);
    if (before !== undefined && account.version < before) {
      violations.push(`account ${account.id} went back from version ${before} to ${account.version}`);
    }
  }
  return violations;
}

function compareNames(table: string, expected: readonly string[], observed: readonly string[]): string[] {
  const balance = new Map<string, number>();
  for (const name of expected) balance.set(name, (balance.get(name) ?? 0) - 1);
  for (const name of observed) balance.set(name, (balance.get(name) ?? 0) + 1);
  const missing = [...balance].filter(([, count]) => count < 0).map(([name]) => name);
  const surplus = [...balance].filter(([, count]) => count > 0).map(([name]) => name);
  const violations: string[] = [];
  if (missing.length > 0)
    violations.push(`${table} lacks ${missing.length}: ${missing.slice(0, shown_max).join(' ')}`);
  if (surplus.length > 0)
    violations.push(`${table} has ${surplus.length} too many: ${surplus.slice(0, shown_max).join(' ')}`);
  return violations;
}

function compareAccounts(expected: readonly Account[], observed: readonly Account[]): string[] {
  const violations: string[] = [];
  const byId = new Map(observed.map((account) => [account.id, account]));
  if (byId.size !== observed.length) violations.push('an account occurs twice');
  for (const account of expected) {
    const found = byId.get(account.id);
    if (!found) {
      violations.push(`account ${account.id} is missing`);
      continue;
    }
    for (const field of ['balance', 'version', 'last', 'noteDigest'] as const) {
      if (found[field] !== account[field]) {
        violations.push(`account ${account.id}: ${field} is ${found[field]}, should be ${account[field]}`);
      }
    }
  }
  return violations.slice(0, shown_max);
}

function checkSum(accounts: readonly Account[]): string[] {
  const sum = accounts.reduce((total, account) => total + account.balance, 0);
  const constant = account_count * openingBalance;
  return sum === constant ? [] : [`balances sum to ${sum} instead of ${constant}`];
}
