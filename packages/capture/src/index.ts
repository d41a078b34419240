export { type Capture, createCapture } from './capture-service.js';
export { type CaptureDecisions, captureDecisions } from './decisions.js';
export { type ForkVerdict, forkVerdict } from './epoch/fork.js';
export { MemoryLeader, type MemoryLeaderOptions, type MemorySlot } from './memory/leader.js';
export type { MemorySourceOptions } from './memory/options.js';
export { MemorySource } from './memory/source.js';
export { type MemoryChange, MemoryTable } from './memory/table.js';
export { MemoryTransaction } from './memory/transaction.js';
export type { MemoryCommit, Reshape } from './memory/wal.js';
export {
  type CaptureLimits,
  type CaptureOptions,
  type CapturePipeline,
  type CapturePolicies,
  defaultLimits,
  defaultPolicies,
} from './options.js';
export { RowSpool, type RowSpoolOptions } from './snapshot/row-spool.js';
export type {
  AcquireOptions,
  InitialSnapshot,
  KeyRange,
  LeaderIdentity,
  LeaderWal,
  Partition,
  PartitionedTables,
  PartitionsByTable,
  RowReceiver,
  SchemaCertainty,
  SnapshotTable,
  Source,
  SourceSession,
  SourceSink,
  Visibility,
  Watermark,
  WindowChunk,
  WindowReader,
  WindowRequest,
  WindowRows,
} from './source.js';
export type { CaptureState, CaptureStateName } from './state.js';
export type { CaptureStatus, SnapshotProgress, TableProgress } from './status.js';
export { murmur2, partitionOf } from './stream/partitioner.js';
