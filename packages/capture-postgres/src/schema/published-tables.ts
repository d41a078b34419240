import { type PgSession, type PublishedTable, readPublishedTables, sqlStateOf } from '@millrace/postgres';

/** Tries of a query that a DROP of another table interrupts. */
const attempts_max = 10;

/** undefined_table, invalid_schema_name. */
const nameIsGone = ['42P01', '3F000'];
const internalError = 'XX000';

/**
 * Whether a table that the query came across was dropped, or renamed, while the query waited for its lock. The server has no code
 * for one that it looked up by oid: the view of published tables opens each of them.
 */
export function tableVanished(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === undefined) return false;
  const says = error instanceof Error ? error.message : '';
  return nameIsGone.includes(state) || (state === internalError && /could not open relation/.test(says));
}

/** As `readPublishedTables`, asked again when a table is dropped meanwhile. */
export async function publishedTables(
  session: PgSession,
  publication: string,
  serverVersion: number,
  onlyOid?: number,
): Promise<PublishedTable[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readPublishedTables(session, publication, serverVersion, onlyOid);
    } catch (error) {
      if (!tableVanished(error) || attempt === attempts_max) throw error;
    }
  }
}
