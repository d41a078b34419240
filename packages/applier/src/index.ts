export { type Applier, type ApplierOptions, createApplier } from './applier.js';
export type { ReadEvents } from './apply-group.js';
export {
  type ApplierDecisions,
  applierDecisions,
  type Reached,
  type RowLook,
  type RowVerdict,
} from './decisions.js';
export { type GroupPlan, type GroupRequest, planGroup } from './grouping.js';
export { type FollowerNotes, parseNotes } from './notes.js';
export {
  type ApplierLimits,
  type ApplierMode,
  type ApplierPolicies,
  defaultLimits,
  defaultPolicies,
  type OnRestore,
  type SchemaPolicy,
} from './policies.js';
export { resyncFollower } from './resync.js';
export type { ApplierPhase, ApplierStatus, Waiting } from './status.js';
export type { WorkerIdentity } from './workers/roster.js';
