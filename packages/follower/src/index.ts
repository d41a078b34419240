export { fenceVerdict, type Ownership, type PositionRow, sameBytes } from './fence.js';
export {
  compareDecimals,
  isOneKey,
  type KeyComparison,
  keyComparison,
  refuseUnorderedRange,
} from './key-order.js';
export type { CommitFate, MemoryFollowerFaults, MemoryStep } from './memory/faults.js';
export { MemoryFollower } from './memory/follower.js';
export { MemoryFollowerStore, type MemoryState, type MemoryStoreOptions } from './memory/store.js';
export { type FollowerMode, wrongMode } from './modes.js';
export type { FollowerPartition, PartitionedFollower } from './partitions.js';
export type {
  Follower,
  FollowerCapabilities,
  FollowerState,
  FollowerTransaction,
  MirroredTable,
  NewRows,
  NewRowsSink,
  StoredPosition,
  TableBatch,
} from './port.js';
export type { SeenWorker, WorkerNote, WorkerTable } from './workers.js';
