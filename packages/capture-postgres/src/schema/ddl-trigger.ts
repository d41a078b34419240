import { createHash } from 'node:crypto';
import { type PgSession, quoteLiteral, relationJson, sqlStateOf } from '@millrace/postgres';
import type { Logger } from '@millrace/runtime';

/** Prefix of the messages that the trigger writes; `schema/announcement.ts` reads them. */
export const announcementPrefix = 'millrace.ddl';

/**
 * The functions run as their owner with fixed settings, whatever the session that runs the DDL has set, and never make
 * that DDL fail: what they cannot describe they announce as unknown, and capture then looks for itself.
 */
const functionSettings = `
  SECURITY DEFINER
  SET search_path = '' SET DateStyle = 'ISO,MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
  SET bytea_output = 'hex' SET TimeZone = 'UTC' SET lc_monetary = 'C'`;

/**
 * After a command: the shapes of all tables it touched, inheritors and partitions included.
 *
 * The server orders a message by where its record ends, which is where the next record begins. Across subtransactions (the
 * EXCEPTION block is one, a savepoint another) a row that follows at once would tie with it, and may come first: seen on
 * PostgreSQL 15 and 18. So a message that nobody reads follows, and takes that place.
 */
const announceBody = `
DECLARE
  description pg_catalog.json;
  announced boolean := false;
BEGIN
  BEGIN
    FOR description IN
      WITH RECURSIVE touched(id) AS (
        SELECT d.objid FROM pg_catalog.pg_event_trigger_ddl_commands() d
          WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.object_type IN ('table', 'table column')
        UNION
        SELECT i.inhrelid FROM touched t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.id
      )
      SELECT ${relationJson} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid IN (SELECT id FROM touched) AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    LOOP
      announced := true;
      PERFORM pg_catalog.pg_logical_emit_message(true, '${announcementPrefix}',
        pg_catalog.json_build_object('v', 1, 'relation', description)::pg_catalog.text);
    END LOOP;
  EXCEPTION WHEN OTHERS THEN
    announced := true;
    PERFORM pg_catalog.pg_logical_emit_message(true, '${announcementPrefix}', '{"v":1,"unknown":true}');
  END;
  IF announced THEN
    PERFORM pg_catalog.pg_logical_emit_message(true, '${announcementPrefix}.end', '');
  END IF;
END`;

/** Before a rewrite: which table, and why (a set of bits). */
const rewriteBody = `
BEGIN
  PERFORM pg_catalog.pg_logical_emit_message(true, '${announcementPrefix}', pg_catalog.json_build_object('v', 1,
    'rewrite', pg_catalog.pg_event_trigger_table_rewrite_oid()::pg_catalog.int8,
    'reason', pg_catalog.pg_event_trigger_table_rewrite_reason())::pg_catalog.text);
END`;

const createFunction = (name: string, body: string): string => `
CREATE OR REPLACE FUNCTION millrace.${name}() RETURNS event_trigger LANGUAGE plpgsql ${functionSettings}
AS ${quoteLiteral(body)};`;

const fingerprint = createHash('sha256')
  .update(announceBody)
  .update(rewriteBody)
  .update(functionSettings)
  .digest('hex');

/** What to run on the leader, as a superuser, to install the triggers; `millrace check` prints it. */
export const ddlTriggerSql = `
CREATE SCHEMA IF NOT EXISTS millrace;
${createFunction('announce_ddl', announceBody)}
${createFunction('announce_rewrite', rewriteBody)}
DROP EVENT TRIGGER IF EXISTS millrace_ddl;
CREATE EVENT TRIGGER millrace_ddl ON ddl_command_end EXECUTE FUNCTION millrace.announce_ddl();
ALTER EVENT TRIGGER millrace_ddl ENABLE ALWAYS;
DROP EVENT TRIGGER IF EXISTS millrace_rewrite;
CREATE EVENT TRIGGER millrace_rewrite ON table_rewrite EXECUTE FUNCTION millrace.announce_rewrite();
ALTER EVENT TRIGGER millrace_rewrite ENABLE ALWAYS;
COMMENT ON SCHEMA millrace IS 'Announces schema changes to Millrace. ${fingerprint}';
`.trim();

export const dropDdlTriggerSql = `
DROP EVENT TRIGGER IF EXISTS millrace_ddl;
DROP EVENT TRIGGER IF EXISTS millrace_rewrite;
DROP SCHEMA IF EXISTS millrace CASCADE;`.trim();

export type DdlTriggerState = 'current' | 'outdated' | 'missing';

export async function ddlTriggerState(session: PgSession): Promise<DdlTriggerState> {
  const row = await session.queryOne(
    'looking for the DDL event trigger',
    `SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_event_trigger
         WHERE evtname IN ('millrace_ddl', 'millrace_rewrite') AND evtenabled = 'A') AS triggers,
       (SELECT pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace
         WHERE nspname = 'millrace') AS comment`,
  );
  if (row.triggers !== '2') return 'missing';
  return row.comment?.includes(fingerprint) ? 'current' : 'outdated';
}

export type DdlEvents = 'auto' | 'on' | 'off';

/**
 * Installs the triggers if wanted and permitted; returns whether announcements are to be expected. With `auto` a missing
 * privilege is no fault: schema identity then rests on the catalogue (R37).
 */
export async function ensureDdlTrigger(
  session: PgSession,
  mode: DdlEvents,
  logger: Logger,
): Promise<boolean> {
  if (mode === 'off') return false;
  if ((await ddlTriggerState(session)) === 'current') return true;
  try {
    // One transaction, serialized with other captures that start at the same moment.
    await session.query(
      'installing the DDL event trigger',
      `BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(${lockKey}); ${ddlTriggerSql}; COMMIT`,
    );
    logger.info(
      {},
      'installed the event triggers that announce schema changes (schema millrace on the leader)',
    );
    return true;
  } catch (error) {
    if (session.usable) await session.query('giving up the DDL event trigger', 'ROLLBACK');
    const refused = sqlStateOf(error) === '42501' || sqlStateOf(error) === '25006';
    if (mode === 'on' || !refused) throw error;
    logger.warn(
      {},
      'may not install event triggers on the leader: some schema changes cannot be told for certain',
    );
    return false;
  }
}

/** Any number of our own: "millrace" in ASCII. */
const lockKey = 0x6d_69_6c_6c_72_61_63_65n;
