import type { Source } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { PgSession, quoteLiteral, type TableName } from '@millrace/postgres';
import { Fault, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { slotOf } from './pipeline.js';

/** The leader as a source, with the configured patterns resolved to tables. */
export async function openSource(loaded: LoadedConfig, logger: Logger): Promise<Source> {
  const { leader } = loaded.config;
  const tables = leader.publication.create ? await configuredTables(loaded) : undefined;
  return createPostgresSource({
    url: leader.url,
    slot: slotOf(loaded),
    publication: { ...leader.publication, ...(tables && { tables }) },
    ddlEvents: leader.ddl_events,
    clock: systemClock,
    logger,
  });
}

/** Tables of ours, and what no publication may hold. */
const excluded = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'millrace')
  AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition`;

/** The leader's tables that the patterns name. Throws MR-2013 when a pattern names none. */
export async function configuredTables({ config }: LoadedConfig): Promise<TableName[]> {
  const session = await PgSession.open(config.leader.url, { role: 'leader' });
  try {
    const found = new Map<string, TableName>();
    for (const pattern of config.leader.tables)
      for (const table of await matching(session, pattern)) found.set(JSON.stringify(table), table);
    return [...found.values()];
  } finally {
    await session.close();
  }
}

async function matching(session: PgSession, pattern: string): Promise<TableName[]> {
  const [schema, name] = pattern.split('.') as [string, string];
  const conditions = [
    ...(schema === '*' ? [] : [`n.nspname = ${quoteLiteral(schema)}`]),
    ...(name === '*' ? [] : [`c.relname = ${quoteLiteral(name)}`]),
  ];
  const rows = await session.query(
    'finding the configured tables',
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE ${[excluded, ...conditions].join(' AND ')} ORDER BY 1, 2`,
  );
  if (rows.length === 0)
    throw new Fault('MR-2013', {
      detail: `no table of the leader matches "${pattern}"`,
      remedy: 'Correct `leader.tables` in the configuration, or create the table first.',
    });
  return rows.map((row) => ({ schema: row.nspname as string, name: row.relname as string }));
}
