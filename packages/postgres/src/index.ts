export {
  describeTableNamed,
  describeTables,
  isRelationJson,
  readRelation,
  type TableDescription,
} from './catalogue/catalogue.js';
export {
  addStatement,
  createStatement,
  type EnsurePublication,
  ensurePublication,
  identityStatement,
  missingTables,
  type PublicationInfo,
  type PublishedTable,
  readPublication,
  readPublishedTables,
  type TableName,
  unidentifiedTables,
} from './catalogue/publication.js';
export {
  type ColumnJson,
  isOrdinaryColumn,
  type RelationJson,
  relationOf,
  type TypeJson,
} from './catalogue/relation-json.js';
export { relationJson, selectRelations } from './catalogue/relation-query.js';
export {
  oldestVersion,
  readServer,
  readWalEnd,
  readWalPosition,
  requireDecoding,
  type ServerInfo,
  type WalEnd,
} from './catalogue/server.js';
export { checkSlot, describeBackend, readSlot, type SlotInfo, slotTrouble } from './catalogue/slot.js';
export {
  type ServerRole,
  type ServerTrouble,
  serverFault,
  sqlStateOf,
  troubleOf,
} from './connection/server-fault.js';
export {
  endClient,
  type PgClient,
  PgSession,
  type SessionOptions,
  type TextRow,
} from './connection/session.js';
export { sessionOptions, type TimeoutSettings } from './connection/session-settings.js';
export { describeTarget, type PostgresTarget, parsePostgresUrl, type SslMode } from './connection/target.js';
export { quoteIdentifier, quoteLiteral, quoteNullable, quoteQualified } from './quote.js';
export {
  createExportedSlot,
  type ExportedSlot,
  type ExportSlotOptions,
} from './replication/exported-slot.js';
export { createLibraryWalSource, type LibraryWalSourceOptions } from './replication/library-wal-source.js';
export { Patience } from './replication/liveness.js';
export { postgresEpoch_us, type StandbyPositions } from './replication/standby-status.js';
export { parseTimelineHistory, type TimelineSwitch } from './replication/timeline-history.js';
export type { WalHandler, WalRequest, WalSource, WalStream } from './replication/wal-source.js';
export { type CopyOutReader, copyOut } from './wire/copy-out.js';
export { describeByte } from './wire/message-framer.js';
