import { type PgSession, quoteLiteral } from '@millrace/postgres';
import { run } from '../store/sessions.js';
import type { TableName } from './names.js';

export interface ShapeColumn {
  readonly name: string;
  readonly typeSchema: string;
  readonly typeName: string;
  /** pg_type.typtype and typcategory. */
  readonly typeKind: string;
  readonly category: string;
  readonly delimiter: string;
  /** format_type(oid, typmod). */
  readonly format: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
}

/** A table as the follower's catalogue has it. What we write goes by this, not by what we once created. */
export interface TableShape {
  readonly columns: ReadonlyMap<string, ShapeColumn>;
  /** Column lists of valid unique indexes without expressions or predicates. */
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly primaryKey: string | undefined;
}

/** Undefined when there is no such table. */
export async function readShape(session: PgSession, place: TableName): Promise<TableShape | undefined> {
  const found = await run(session, `looking for table ${place.schema}.${place.name}`, {
    text: `SELECT c.oid::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = ${quoteLiteral(place.schema)} AND c.relname = ${quoteLiteral(place.name)}`,
  });
  const oid = found.rows[0]?.[0];
  if (oid == null) return undefined;
  return { columns: await readColumns(session, oid), ...(await readKeys(session, oid)) };
}

async function readColumns(session: PgSession, oid: string): Promise<Map<string, ShapeColumn>> {
  const { rows } = await run(session, 'reading the columns of a table', {
    text: `SELECT a.attname, n.nspname, t.typname, t.typtype, t.typcategory, t.typdelim,
             pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> ''
           FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
             JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
           WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
  });
  return new Map(
    rows.map((cells) => {
      const [name, typeSchema, typeName, typeKind, category, delimiter, format, notNull, hasDefault] =
        cells as [string, string, string, string, string, string, string, string, string];
      return [
        name,
        {
          name,
          typeSchema,
          typeName,
          typeKind,
          category,
          delimiter,
          format,
          notNull: notNull === 't',
          hasDefault: hasDefault === 't',
        },
      ];
    }),
  );
}

async function readKeys(
  session: PgSession,
  oid: string,
): Promise<Pick<TableShape, 'uniqueKeys' | 'primaryKey'>> {
  const { rows } = await run(session, 'reading the keys of a table', {
    text: `SELECT k.conname,
             (SELECT json_agg(a.attname ORDER BY u.position)
              FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, position)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
              WHERE u.position <= i.indnkeyatts)::text
           FROM pg_catalog.pg_index i
             LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
           WHERE i.indrelid = ${oid} AND i.indisunique AND i.indisvalid AND i.indimmediate
             AND i.indpred IS NULL AND i.indexprs IS NULL`,
  });
  return {
    uniqueKeys: rows.map((cells) => JSON.parse(cells[1] as string) as string[]),
    primaryKey: rows.find((cells) => cells[0] !== null)?.[0] ?? undefined,
  };
}
