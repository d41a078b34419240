export type { Account, BankRules, BankState, CommittedTransfer, Transfer } from './bank.js';
export { checkObservation, checkSuccession, type Observation } from './check.js';
export { checkPerKey } from './check-per-key.js';
export { CommitOrder } from './commit-order.js';
export { bankTables, prepareLeader } from './leader.js';
export { type LoadOptions, runLoad } from './load.js';
export { observeDuckDb } from './observe-duckdb.js';
export { observePostgres } from './observe-postgres.js';
export { replay } from './replay.js';
