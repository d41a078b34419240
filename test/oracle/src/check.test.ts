import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { account_count, type BankState, type CommittedTransfer } from './bank.js';
import { checkObservation, checkSuccession } from './check.js';
import { replay } from './replay.js';

/** A small history: transfer n of client n % 3, over changing accounts. */
const history: CommittedTransfer[] = Array.from({ length: 60 }, (_, n) => ({
  client: n % 3,
  sequence: Math.floor(n / 3),
  debit: 1 + (n % 7),
  credit: 8 + (n % 11),
  amount: n + 1,
  end: lsn(1_000n + BigInt(n) * 10n),
}));

const endOf = (n: number) => (history[n] as CommittedTransfer).end;
const judge = (state: BankState, n: number) => checkObservation(history, { end: endOf(n), state });

describe('the oracle', () => {
  it('accepts the replay of every prefix, at the position that names it or between two commits', () => {
    for (let n = 0; n < history.length; n++) {
      const state = replay(history.slice(0, n + 1));
      expect(judge(state, n)).toEqual([]);
      expect(checkObservation(history, { end: lsn(endOf(n) + 5n), state })).toEqual([]);
    }
  });

  it('replays a load that leaves tables of one size, and catches a row that should be gone', () => {
    const rules = { kept: 4 };
    const whole = replay(history, rules);
    expect(whole.ledger).toHaveLength(12);
    expect([...whole.journal].sort()).toEqual([...whole.ledger].sort());
    expect(checkObservation(history, { end: endOf(59), state: whole }, rules)).toEqual([]);
    const kept = { ...whole, ledger: [...whole.ledger, '0/3'] };
    expect(checkObservation(history, { end: endOf(59), state: kept }, rules)).not.toEqual([]);
  });

  it('catches a dropped transaction', () => {
    for (let n = 1; n < 40; n++)
      expect(judge(replay(history.slice(0, 41).toSpliced(n, 1)), 40)).not.toEqual([]);
  });

  it('catches a doubled transaction', () => {
    for (let n = 1; n < 40; n++) {
      const doubled = history.slice(0, 41).toSpliced(n, 0, history[n] as CommittedTransfer);
      expect(judge(replay(doubled), 40)).not.toEqual([]);
    }
  });

  it('catches two swapped transactions that touched the same account', () => {
    const list = history.slice(0, 41);
    const first = list[33] as CommittedTransfer;
    const second = list[40] as CommittedTransfer;
    expect(first.debit).toBe(second.debit);
    const swapped = list.with(33, second).with(40, first);
    expect(judge(replay(swapped), 40)).not.toEqual([]);
  });

  it('catches a swap across the position: the later commit applied, the earlier one not yet', () => {
    const state = replay([...history.slice(0, 20), history[21] as CommittedTransfer]);
    expect(judge(state, 20)).not.toEqual([]);
  });

  it('catches a torn transaction: one table of it, or half of a transfer', () => {
    const whole = replay(history.slice(0, 31));
    const before = replay(history.slice(0, 30));
    expect(judge({ ...whole, ledger: before.ledger }, 30)).not.toEqual([]);
    expect(judge({ ...whole, journal: before.journal }, 30)).not.toEqual([]);
    const moved = history[30] as CommittedTransfer;
    const torn = whole.accounts.map((account) =>
      account.id === moved.credit
        ? (before.accounts.find((old) => old.id === account.id) as (typeof whole.accounts)[number])
        : account,
    );
    expect(judge({ ...whole, accounts: torn }, 30)).not.toEqual([]);
  });

  it('catches a large value lost by an update that spared it', () => {
    const state = replay(history.slice(0, 31));
    const accounts = state.accounts.map((account) =>
      account.id === 9 ? { ...account, noteDigest: '' } : account,
    );
    expect(judge({ ...state, accounts }, 30)).not.toEqual([]);
  });

  it('catches a position that does not belong to the rows, and one that goes back', () => {
    expect(judge(replay(history.slice(0, 31)), 29)).not.toEqual([]);
    expect(judge(replay(history.slice(0, 31)), 31)).not.toEqual([]);
    const early = { end: endOf(20), state: replay(history.slice(0, 21)) };
    const late = { end: endOf(30), state: replay(history.slice(0, 31)) };
    expect(checkSuccession(early, late)).toEqual([]);
    expect(checkSuccession(late, early)).not.toEqual([]);
  });

  it('catches an account that is missing or occurs twice', () => {
    const state = replay(history.slice(0, 5));
    expect(state.accounts).toHaveLength(account_count);
    expect(judge({ ...state, accounts: state.accounts.slice(1) }, 4)).not.toEqual([]);
    expect(judge({ ...state, accounts: [...state.accounts, ...state.accounts.slice(0, 1)] }, 4)).not.toEqual(
      [],
    );
  });
});
