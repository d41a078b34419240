import { formatLsn } from '@millrace/model';
import type { Account, CommittedTransfer } from './bank.js';
import { transferName } from './bank.js';
import type { Observation } from './check.js';
import { replay } from './replay.js';

const shown_max = 5;

/**
 * Holds an observation of a follower in partitioned mode against the leader's commit list (promise 3, I4): every account is as it
 * was at some instant of its own past, none lies before the position up to which the follower says it is complete, the ledger
 * holds every transfer up to there and none that never happened. Returns what is wrong, in words. `committed` must
 * reach beyond the observation.
 */
export function checkPerKey(committed: readonly CommittedTransfer[], observed: Observation): string[] {
  const { end, state } = observed;
  const prefix = committed.filter((transfer) => transfer.end <= end);
  const due = replay(prefix);
  const ledger = new Set(state.ledger);
  const happened = new Set(committed.map(transferName));
  const missing = due.ledger.filter((name) => !ledger.has(name));
  const invented = state.ledger.filter((name) => !happened.has(name));
  const least = new Map(due.accounts.map(({ id, version }) => [id, version]));
  return [
    ...(missing.length > 0
      ? [`ledger lacks ${missing.length}: ${missing.slice(0, shown_max).join(' ')}`]
      : []),
    ...(invented.length > 0
      ? [`ledger has ${invented.length} invented: ${invented.slice(0, shown_max).join(' ')}`]
      : []),
    ...(ledger.size === state.ledger.length ? [] : ['ledger has a transfer twice']),
    ...(state.accounts.length === due.accounts.length
      ? []
      : [`${state.accounts.length} accounts instead of ${due.accounts.length}`]),
    ...state.accounts.flatMap((account) => checkAccount(committed, account, least.get(account.id) ?? 0)),
  ]
    .slice(0, shown_max)
    .map((violation) => `complete up to ${formatLsn(end)} (${prefix.length} commits): ${violation}`);
}

/** An account at version v is what its first v transfers made of it. */
function checkAccount(
  committed: readonly CommittedTransfer[],
  account: Account,
  least_version: number,
): string[] {
  const { id, version } = account;
  if (version < least_version)
    return [`account ${id} is at version ${version}, should be at ${least_version} at least`];
  const touching = committed.filter(({ debit, credit }) => debit === id || credit === id).slice(0, version);
  if (touching.length < version) return [`account ${id} is at version ${version}, which never was`];
  const was = replay(touching).accounts.find((each) => each.id === id);
  const wrong = (['balance', 'last', 'noteDigest'] as const).filter(
    (field) => was?.[field] !== account[field],
  );
  return wrong.map(
    (field) => `account ${id} at version ${version}: ${field} is ${account[field]}, was ${was?.[field]}`,
  );
}
