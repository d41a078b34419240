export { openEmbeddedLog } from './embedded-log.js';
export type {
  EmbeddedLog,
  EmbeddedLogOptions,
  LogStats,
  PartitionStats,
  Retention,
  RetentionOutcome,
} from './options.js';
