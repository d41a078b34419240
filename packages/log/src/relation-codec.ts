import type { Column, ColumnType, Relation, ReplicaIdentity, SchemaChange, TypeKind } from '@millrace/model';
import type { ByteReader } from './byte-reader.js';
import type { RecordWriter } from './record-writer.js';

/** Codes on the wire are indexes into these lists: append only, never reorder. */
const typeKinds: readonly TypeKind[] = [
  'base',
  'array',
  'enum',
  'domain',
  'composite',
  'range',
  'multirange',
];
const identities: readonly ReplicaIdentity[] = ['default', 'index', 'full', 'nothing'];
const changeKinds: readonly SchemaChange['kind'][] = [
  'create-table',
  'rename-table',
  'add-column',
  'drop-column',
  'rename-column',
  'retype-column',
  'change-nullability',
  'change-key',
];

/** Arrays of domains over arrays … nest a few levels; a hostile record must not overflow the stack. */
const typeDepth_max = 32;

export function writeCode<T>(out: RecordWriter, codes: readonly T[], value: T): void {
  out.u8(codes.indexOf(value));
}

export function readCode<T>(from: ByteReader, codes: readonly T[], what: string): T {
  const code = from.u8();
  const value = codes[code];
  if (value === undefined) throw from.corrupt(`${code} is no ${what}`);
  return value;
}

function writeType(out: RecordWriter, type: ColumnType): void {
  out.count(type.oid);
  out.text(type.schema);
  out.text(type.name);
  writeCode(out, typeKinds, type.kind);
  out.i32(type.typmod);
  out.text(type.sql);
  out.optional(type.element, (element) => writeType(out, element));
  out.optional(type.base, (base) => writeType(out, base));
  out.optional(type.labels, (labels) => out.list(labels, (label) => out.text(label)));
}

function readType(from: ByteReader, depth = 0): ColumnType {
  if (depth > typeDepth_max) throw from.corrupt(`types nest deeper than ${typeDepth_max}`);
  const fixed = {
    oid: from.u32(),
    schema: from.text(),
    name: from.text(),
    kind: readCode(from, typeKinds, 'kind of type'),
    typmod: from.i32(),
    sql: from.text(),
  };
  const element = from.optional(() => readType(from, depth + 1));
  const base = from.optional(() => readType(from, depth + 1));
  const labels = from.optional(() => from.list(() => from.text()));
  return { ...fixed, ...(element && { element }), ...(base && { base }), ...(labels && { labels }) };
}

function writeColumn(out: RecordWriter, column: Column): void {
  out.i32(column.attnum);
  out.text(column.name);
  writeType(out, column.type);
  out.flag(column.notNull);
  out.flag(column.generated);
  out.optional(column.missing ?? undefined, (missing) => out.text(missing));
}

function readColumn(from: ByteReader): Column {
  return {
    attnum: from.i32(),
    name: from.text(),
    type: readType(from),
    notNull: from.flag(),
    generated: from.flag(),
    missing: from.optional(() => from.text()) ?? null,
  };
}

export function writeRelation(out: RecordWriter, relation: Relation): void {
  out.count(relation.id);
  out.text(relation.schema);
  out.text(relation.name);
  out.list(relation.columns, (column) => writeColumn(out, column));
  writeCode(out, identities, relation.identity);
  out.list(relation.key, (index) => out.count(index));
}

export function readRelation(from: ByteReader): Relation {
  return {
    id: from.u32(),
    schema: from.text(),
    name: from.text(),
    columns: from.list(() => readColumn(from)),
    identity: readCode(from, identities, 'replica identity'),
    key: from.list(() => from.u32()),
  };
}

export function writeSchemaChange(out: RecordWriter, change: SchemaChange): void {
  writeCode(out, changeKinds, change.kind);
  switch (change.kind) {
    case 'create-table':
      return;
    case 'rename-table':
      out.text(change.from.schema);
      out.text(change.from.name);
      return;
    case 'add-column':
    case 'drop-column':
    case 'change-nullability':
      writeColumn(out, change.column);
      return;
    case 'rename-column':
      out.text(change.from);
      writeColumn(out, change.column);
      return;
    case 'retype-column':
      writeColumn(out, change.from);
      writeColumn(out, change.column);
      return;
    case 'change-key':
      out.list(change.fromKey, (attnum) => out.i32(attnum));
      out.list(change.toKey, (attnum) => out.i32(attnum));
  }
}

export function readSchemaChange(from: ByteReader): SchemaChange {
  const kind = readCode(from, changeKinds, 'schema change');
  switch (kind) {
    case 'create-table':
      return { kind };
    case 'rename-table':
      return { kind, from: { schema: from.text(), name: from.text() } };
    case 'add-column':
    case 'drop-column':
    case 'change-nullability':
      return { kind, column: readColumn(from) };
    case 'rename-column':
      return { kind, from: from.text(), column: readColumn(from) };
    case 'retype-column':
      return { kind, from: readColumn(from), column: readColumn(from) };
    case 'change-key':
      return { kind, fromKey: from.list(() => from.i32()), toKey: from.list(() => from.i32()) };
  }
}
