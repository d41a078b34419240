import type { InitialSnapshot, KeyRange, PartitionsByTable, SnapshotTable } from '@millrace/capture';
import { emptyRowImage } from '@millrace/model';
import {
  copyOut,
  describeTables,
  type ExportedSlot,
  type PgSession,
  type PublishedTable,
  readPublishedTables,
} from '@millrace/postgres';
import { assert } from '@millrace/runtime';
import { publishedRoots, readPartitions } from '../schema/partitions.js';
import { tableVanished } from '../schema/published-tables.js';
import { readCopyRow } from './copy-row.js';
import { ReaderPool } from './reader-pool.js';
import { lockStatement, selectCuts, selectRange } from './table-query.js';

export interface SnapshotOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly publication: string;
  readonly serverVersion: number;
}

const everything: KeyRange = { after: null, upTo: null };

/**
 * The tables as they were at a new slot's consistent point. Each is locked against DDL (ACCESS SHARE, as pg_dump does)
 * until the snapshot is closed: a rewritten or truncated table looks *empty* to older snapshots. Undefined when a table
 * changed between the consistent point and its lock; the caller makes the slot anew.
 */
export async function openInitialSnapshot(
  options: SnapshotOptions,
  exported: ExportedSlot,
  present: PgSession,
): Promise<PostgresSnapshot | undefined> {
  const pool = new ReaderPool(options.url, options.applicationName, exported.snapshotName);
  try {
    const found = await pool.with(async (guard) => {
      const published = await readPublishedTables(guard, options.publication, options.serverVersion);
      for (const table of published)
        await guard.query('locking a table for the snapshot', lockStatement(table));
      const partitions = await readPartitions(guard, publishedRoots(published));
      return (await sameAsNow(guard, present, published)) ? { tables: published, partitions } : undefined;
    });
    if (found) return new PostgresSnapshot(pool, exported, found.tables, found.partitions);
  } catch (error) {
    // A table that was dropped meanwhile cannot be locked; made anew, the snapshot does not have it.
    if (!tableVanished(error)) {
      await pool.close();
      throw error;
    }
  }
  await pool.close();
  return undefined;
}

/** Whether the locked tables still are what the snapshot shows: shapes, and the files that hold their rows. */
async function sameAsNow(
  guard: PgSession,
  present: PgSession,
  tables: readonly PublishedTable[],
): Promise<boolean> {
  const oids = tables.map((table) => table.relation.id);
  const now = await describeTables(present, oids);
  const sameShapes = tables.every(
    (table) => JSON.stringify(table.description.json) === JSON.stringify(now.get(table.relation.id)?.json),
  );
  return sameShapes && (await fileNodes(guard, oids)) === (await fileNodes(present, oids));
}

/** Of the tables and all their partitions. */
async function fileNodes(session: PgSession, oids: readonly number[]): Promise<string> {
  if (oids.length === 0) return '';
  const row = await session.queryOne(
    'comparing tables with the snapshot',
    `WITH RECURSIVE member(id) AS (
       SELECT oid FROM pg_catalog.pg_class WHERE oid IN (${oids.join(', ')})
       UNION SELECT i.inhrelid FROM member m JOIN pg_catalog.pg_class p ON p.oid = m.id AND p.relkind = 'p'
         JOIN pg_catalog.pg_inherits i ON i.inhparent = m.id)
     SELECT pg_catalog.string_agg(c.oid || ':' || c.relfilenode, ' ' ORDER BY c.oid) AS nodes
     FROM member m JOIN pg_catalog.pg_class c ON c.oid = m.id`,
  );
  return row.nodes ?? '';
}

export class PostgresSnapshot implements InitialSnapshot {
  readonly tables: readonly SnapshotTable[];
  readonly partitions: PartitionsByTable;
  readonly #pool: ReaderPool;
  readonly #exported: ExportedSlot;
  readonly #published: ReadonlyMap<number, PublishedTable>;

  constructor(
    pool: ReaderPool,
    exported: ExportedSlot,
    tables: readonly PublishedTable[],
    partitions: PartitionsByTable,
  ) {
    this.#pool = pool;
    this.partitions = partitions;
    this.#exported = exported;
    this.#published = new Map(tables.map((table) => [table.relation.id, table]));
    this.tables = tables.map((table) => ({
      relation: table.relation,
      estimatedRows: table.description.estimatedRows,
    }));
  }

  async plan(table: SnapshotTable, rows: number): Promise<readonly KeyRange[]> {
    assert(Number.isInteger(rows) && rows > 0, 'chunks have at least one row');
    const { key } = table.relation;
    if (key.length === 0) return [everything];
    const cuts = await this.#pool.with(async (session) => {
      // One pass over the key's index is wanted, not a sort of the table.
      await session.query('planning chunks', 'SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off');
      const found = await session.query('planning chunks', selectCuts(this.#readable(table), rows));
      await session.query('planning chunks', 'SET LOCAL enable_sort = on; SET LOCAL enable_seqscan = on');
      return found.map((row) => key.map((_, i) => row[`k${i}`] as string));
    });
    const edges = [null, ...cuts, null];
    return edges.slice(1).map((upTo, i) => ({ after: edges[i] ?? null, upTo }));
  }

  async read(
    table: SnapshotTable,
    range: KeyRange,
    to: Parameters<InitialSnapshot['read']>[2],
    signal: AbortSignal,
  ): Promise<void> {
    const readable = this.#readable(table);
    const columns = readable.relation.columns.length;
    const image = emptyRowImage(columns);
    await this.#pool.with((session) =>
      copyOut(
        session,
        `reading ${readable.relation.schema}.${readable.relation.name}`,
        `COPY (${selectRange(readable, range)}) TO STDOUT`,
        {
          row: (bytes, start, end) => {
            readCopyRow(bytes, start, end, image, columns);
            to.row(image);
          },
          room: () => to.room(),
        },
        signal,
      ),
    );
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#exported.close();
  }

  #readable(table: SnapshotTable): PublishedTable {
    const found = this.#published.get(table.relation.id);
    assert(found !== undefined, 'a table of this snapshot');
    if (this.#exported.broken) throw this.#exported.broken;
    return found;
  }
}
