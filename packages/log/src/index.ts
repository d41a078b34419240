export { decodeAnchor, encodeAnchor } from './anchor-codec.js';
export {
  anchorOf,
  type ChainState,
  chainFromAnchor,
  isOpened,
  judge,
  sameBytes,
  startOfChain,
  type Verdict,
} from './chain.js';
export { ChainReader, type ChainStart, type CountingRecord } from './chain-reader.js';
export { eventFlags, eventHeaderFixed_bytes, eventHeaderVersion } from './event-header.js';
export {
  type FollowerReport,
  FollowerReports,
  type FollowerRequest,
  type ReportedState,
} from './followers.js';
export type { AppendFate, AppendRequest, MemoryLogFaults, MemoryOperation } from './memory/faults.js';
export { MemoryLog } from './memory/log.js';
export { progressTopic, type StoredRecord } from './memory/partition.js';
export { type MemoryLogImage, type MemoryLogOptions, MemoryLogServer } from './memory/server.js';
export { type EventStamp, type PackedRecords, RecordCursor, RecordPacker } from './packed-records.js';
export type {
  AppendedRange,
  Appender,
  Fence,
  Log,
  LogTable,
  PartitionBatch,
  ProgressChunk,
  ProgressPartition,
  Published,
  ReadOptions,
  ReadRange,
  TopicInfo,
  TrimRequest,
  Watermarks,
} from './port.js';
export { isInitialChunk } from './range-cursor.js';
export { decodeRecord, encodeRecord, recordVersion } from './record-codec.js';
export { type EventSink, type RecordReadOptions, readRecordEvents } from './record-reader.js';
export type {
  Anchor,
  BatchRecord,
  ChunkNote,
  ClaimRecord,
  IntentRecord,
  LayoutRecord,
  LayoutTopic,
  OpenRecord,
  ProgressRecord,
  RecordHead,
  RecordRange,
  SchemaRecord,
  SnapshotState,
  SnapshotTableState,
  TopicRelation,
} from './records.js';
