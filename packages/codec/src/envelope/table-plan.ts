import { type Column, type Relation, relationName } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { StructField } from '../connect/connect-schema.js';
import { avroFieldNames } from '../connect/names.js';
import type { Preset } from '../presets/preset.js';
import type { Coding } from '../values/coding.js';

/** One column as it travels. */
export interface PlannedField {
  /** Index into the relation's columns, and into images. */
  readonly column: number;
  /** Name in the event: the column's own in JSON, adjusted in Avro. */
  readonly name: string;
  readonly coding: Coding;
  readonly optional: boolean;
  readonly inKey: boolean;
}

/** What one relation version looks like in events of one codec. */
export interface TablePlan {
  readonly relation: Relation;
  readonly fields: readonly PlannedField[];
  /** In key order; empty: events have no key. */
  readonly key: readonly PlannedField[];
}

export type FieldNaming = 'own' | 'avro';

export function planTable(relation: Relation, preset: Preset, naming: FieldNaming): TablePlan {
  const inKey = new Set(relation.key);
  const carried = relation.columns.flatMap((column, index) => {
    const coding = preset.coding(column.type);
    if (coding) return [{ column, index, coding }];
    if (inKey.has(index)) throw unsupportedKey(relation, column, preset);
    return [];
  });
  const names = carried.map(({ column }) => column.name);
  const onCollision = preset.strictNames ? 'refuse' : 'spell';
  const wireNames = naming === 'own' ? names : avroFieldNames(names, relationName(relation), onCollision);
  const fields = carried.map(({ column, index, coding }, i) => ({
    column: index,
    name: wireNames[i] as string,
    coding,
    optional: !column.notNull,
    inKey: inKey.has(index),
  }));
  const byColumn = new Map(fields.map((field) => [field.column, field]));
  return { relation, fields, key: relation.key.map((index) => byColumn.get(index) as PlannedField) };
}

/** Leaving a key column out would make different rows one. */
function unsupportedKey(relation: Relation, column: Column, preset: Preset): Fault {
  const table = relationName(relation);
  return new Fault('MR-5002', {
    detail: `table ${table}: key column "${column.name}" has type ${column.type.sql}, which preset ${preset.name} leaves out`,
    context: { table, column: column.name, type: column.type.sql },
  });
}

export const structFields = (fields: readonly PlannedField[]): StructField[] =>
  fields.map(({ name, coding, optional }) => ({ name, schema: coding.schema, optional }));

/** Turns an encoder's refusal into the fault that names where, never what. */
export function valueRefused(relation: Relation, field: PlannedField, reason: string): Fault {
  const table = relationName(relation);
  const column = relation.columns[field.column] as Column;
  return new Fault('MR-5001', {
    detail: `table ${table}, column "${column.name}" (${column.type.sql}): ${reason}`,
    context: { table, column: column.name, type: column.type.sql },
  });
}
