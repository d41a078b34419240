import type { Partition, PartitionedTables, PartitionsByTable } from '@millrace/capture';
import { type PgSession, type PublishedTable, quoteLiteral } from '@millrace/postgres';
import { doubtPrefix, formatDoubt } from './doubt.js';

/** Of published tables, those that stand for partitions: the publication sends changes as the root's. */
export const publishedRoots = (tables: readonly PublishedTable[]): number[] =>
  tables.filter(({ description }) => description.json.kind === 'p').map(({ relation }) => relation.id);

/**
 * Where the rows of these partitioned tables lie. From pg_inherits alone: functions that list partitions lock each of them, and would
 * wait for DDL. One that is being detached concurrently counts as gone, as it does for queries.
 */
export async function readPartitions(
  session: PgSession,
  roots: readonly number[],
): Promise<PartitionsByTable> {
  const byRoot = new Map<number, Partition[]>(roots.map((root) => [root, []]));
  if (roots.length === 0) return byRoot;
  const rows = await session.query(
    'looking at partitions',
    `WITH RECURSIVE member(root, id) AS (
       SELECT oid, oid FROM pg_catalog.pg_class WHERE oid IN (${roots.map(Number).join(', ')})
       UNION SELECT m.root, i.inhrelid FROM member m JOIN pg_catalog.pg_class p ON p.oid = m.id AND p.relkind = 'p'
         JOIN pg_catalog.pg_inherits i ON i.inhparent = m.id AND NOT i.inhdetachpending)
     SELECT m.root::pg_catalog.int8 AS root, c.oid::pg_catalog.int8 AS id, n.nspname AS schema, c.relname AS name,
       c.relfilenode::pg_catalog.int8 AS file
     FROM member m JOIN pg_catalog.pg_class c ON c.oid = m.id AND c.relkind <> 'p'
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid`,
  );
  for (const row of rows)
    byRoot.get(Number(row.root))?.push({
      id: Number(row.id),
      name: `${row.schema}.${row.name}`,
      file: Number(row.file),
    });
  return byRoot;
}

/** Whether a table is a partition, however deep, of one of these. */
export async function isPartOf(
  session: PgSession,
  table: number,
  roots: readonly number[],
): Promise<boolean> {
  if (roots.length === 0) return false;
  const ancestors = await session.query(
    'looking for the root of a partition',
    `SELECT relid::pg_catalog.oid::pg_catalog.int8 AS id FROM pg_catalog.pg_partition_ancestors(${Number(table)})`,
  );
  return ancestors.some(({ id }) => Number(id) !== table && roots.includes(Number(id)));
}

/**
 * Of these partitions, those that may have had rows when they became one. Not one that is empty, or that was made as a partition, and
 * whose file is still its first (a table's first file has its oid for a number): all its rows came as inserts.
 *
 * ATTACH writes every pg_attribute row of a table's columns anew, but not those of its system columns; PARTITION OF writes both
 * in one command.
 */
export async function partitionsWithRows(
  session: PgSession,
  ids: readonly number[],
): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set();
  const rows = await session.query(
    'looking at new partitions',
    `SELECT c.oid::pg_catalog.int8 AS id FROM pg_catalog.pg_class c
     WHERE c.oid IN (${ids.map(Number).join(', ')}) AND (c.relkind <> 'r' OR c.relfilenode <> c.oid
       OR (pg_catalog.pg_relation_size(c.oid) <> 0 AND NOT EXISTS (
         SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attribute s ON s.attrelid = a.attrelid AND s.attnum = -1
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.xmin = s.xmin AND a.cmin = s.cmin)))`,
  );
  return new Set(rows.map((row) => Number(row.id)));
}

export interface PartitionsOptions {
  readonly session: () => Promise<PgSession>;
  readonly slot: string;
  /** Tables that the publication sends for their partitions. */
  readonly roots: () => readonly number[];
}

/** The partitioned tables of a publication; what is suspected of them goes through the WAL, for this slot. */
export function partitionedTables({ session, slot, roots }: PartitionsOptions): PartitionedTables {
  return {
    look: async () => readPartitions(await session(), roots()),
    cameWithRows: async (ids) => partitionsWithRows(await session(), ids),
    suspect: async (table, reason) => {
      const message = formatDoubt({ table, reason }, slot);
      await (await session()).query(
        'announcing that rows changed without events',
        `SELECT pg_catalog.pg_logical_emit_message(true, ${quoteLiteral(doubtPrefix)}, ${quoteLiteral(message)}::pg_catalog.text)`,
      );
    },
  };
}
