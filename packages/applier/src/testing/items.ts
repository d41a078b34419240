import { type Codec, createCodec, memorySchemaStore } from '@millrace/codec';
import type { Column, Relation } from '@millrace/model';

/** A column of text. */
export const textColumn = (attnum: number, name: string, missing: string | null = null): Column => ({
  attnum,
  name,
  type: { oid: 25, schema: 'pg_catalog', name: 'text', kind: 'base', typmod: -1, sql: 'text' },
  notNull: false,
  generated: false,
  missing,
});

/** public.items, keyed by its first column. */
export const items: Relation = {
  id: 7,
  schema: 'public',
  name: 'items',
  columns: [textColumn(1, 'id'), textColumn(2, 'name'), textColumn(3, 'note')],
  identity: 'default',
  key: [0],
};

/** JSON, so that a failing test shows what it read; Avro has the bulk lane. With a schema store of its own. */
export const itemsCodec = (format: 'json' | 'avro' = 'json'): Codec =>
  createCodec({
    format,
    preset: 'lossless',
    schemas: memorySchemaStore(),
    connectorName: 'shop',
    database: 'shop',
    version: '0',
  });
