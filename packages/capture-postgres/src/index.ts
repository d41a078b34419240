export { createPostgresSource, type PostgresSourceOptions } from './postgres-source.js';
export { type DdlEvents, ddlTriggerSql, dropDdlTriggerSql } from './schema/ddl-trigger.js';
