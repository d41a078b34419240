export { openEmbeddedLog } from './open.js';
export type {
  EmbeddedLog,
  EmbeddedLogOptions,
  LogStats,
  PartitionStats,
  Retention,
  RetentionOutcome,
} from './options.js';
