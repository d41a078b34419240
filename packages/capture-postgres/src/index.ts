export { createPostgresSource, type PostgresSourceOptions } from './postgres-source.js';
export type { Finding, Severity } from './preflight/finding.js';
export { preflight } from './preflight/preflight.js';
export { type DdlEvents, ddlTriggerSql, dropDdlTriggerSql } from './schema/ddl-trigger.js';
