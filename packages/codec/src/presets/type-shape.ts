import type { ColumnType } from '@millrace/model';

/** typmod of time and timestamp types is their precision; −1 means 6. */
export const timePrecision = (type: ColumnType): number => (type.typmod < 0 ? 6 : type.typmod);

export const isBuiltIn = (type: ColumnType): boolean => type.schema === 'pg_catalog';

/** A domain's base type, however deep. */
export function baseOf(type: ColumnType): ColumnType {
  let base = type;
  while (base.kind === 'domain' && base.base) base = base.base;
  return base;
}
