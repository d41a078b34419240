export type { Change, ChangeOp, TransactionEnd, TransactionStart } from './change.js';
export { hasPortableKey, hasPortableOrder } from './key-order.js';
export {
  bytesBetween,
  formatLsn,
  type Lsn,
  lsn,
  lsnAsInt64,
  lsnOf,
  lsnZero,
  maxLsn,
  minLsn,
  parseLsn,
} from './lsn.js';
export {
  comparePositions,
  covers,
  formatPosition,
  type Position,
  parsePosition,
  samePosition,
  startOfHistory,
} from './position.js';
export {
  type Column,
  type ColumnType,
  hasUnknownColumns,
  type Relation,
  type ReplicaIdentity,
  relationName,
  type TypeKind,
} from './relation.js';
export {
  type Cell,
  cellAbsent,
  cellNull,
  copyRowImage,
  emptyRowImage,
  type Row,
  type RowImage,
  rowImageOf,
  rowOf,
} from './row-image.js';
export type { RowSink } from './row-sink.js';
export { sameRelation } from './same-relation.js';
export { diffRelations, keyAttnums, type SchemaChange } from './schema-change.js';
