export { type Applier, type ApplierOptions, createApplier } from './applier.js';
export { type GroupPlan, type GroupRequest, planGroup } from './chain/grouping.js';
export {
  type ApplierDecisions,
  applierDecisions,
  type Reached,
  type RowLook,
  type RowVerdict,
} from './decisions.js';
export {
  type ApplierLimits,
  type ApplierMode,
  type ApplierPolicies,
  defaultLimits,
  defaultPolicies,
  type OnRestore,
  type SchemaPolicy,
} from './policies.js';
export { resyncFollower } from './registration/resync.js';
export type { ReadEvents } from './rows/apply-group.js';
export { type FollowerNotes, parseNotes } from './session/notes.js';
export type { ApplierPhase, ApplierStatus, Waiting } from './status.js';
export type { WorkerIdentity } from './workers/roster.js';
