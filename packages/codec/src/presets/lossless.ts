import type { ColumnType } from '@millrace/model';
import { semantic } from '../connect/connect-schema.js';
import { bits } from '../values/bits.js';
import { boolean, singleBit } from '../values/booleans.js';
import { bytea } from '../values/bytea.js';
import type { Coding } from '../values/coding.js';
import { date } from '../values/dates.js';
import { float4, float8 } from '../values/floats.js';
import { int2, int4, int8 } from '../values/integers.js';
import { point } from '../values/points.js';
import { plainText, postgresText, textCoding } from '../values/text.js';
import { timeMicros, timeMillis } from '../values/times.js';
import { timestampMicros, timestampMillis } from '../values/timestamps.js';
import { zonedTimestamp } from '../values/zoned.js';
import type { Preset } from './preset.js';
import { baseOf, isBuiltIn, timePrecision } from './type-shape.js';

/** Built-in types whose Debezium encoding holds every value exactly, whatever the typmod. */
export const exactTypes: ReadonlyMap<string, Coding> = new Map([
  ['bool', boolean],
  ['int2', int2],
  ['int4', int4],
  ['int8', int8],
  ['oid', int8],
  ['float4', float4],
  ['float8', float8],
  ['text', plainText],
  ['varchar', plainText],
  ['bpchar', plainText],
  ['char', plainText],
  ['name', plainText],
  ['inet', plainText],
  ['cidr', plainText],
  ['macaddr', plainText],
  ['macaddr8', plainText],
  ['int4range', plainText],
  ['int8range', plainText],
  ['numrange', plainText],
  ['tsrange', plainText],
  ['tstzrange', plainText],
  ['daterange', plainText],
  ['bytea', bytea],
  ['date', date],
  ['json', textCoding(semantic('string', 'io.debezium.data.Json'))],
  ['jsonb', textCoding(semantic('string', 'io.debezium.data.Json'))],
  ['xml', textCoding(semantic('string', 'io.debezium.data.Xml'))],
  ['uuid', textCoding(semantic('string', 'io.debezium.data.Uuid'))],
  ['tsvector', textCoding(semantic('string', 'io.debezium.data.Tsvector'))],
  ['point', point],
]);

/** Extension types that Debezium carries as their text; told by name alone, as extensions live in any schema. */
export const exactExtensionTypes: ReadonlyMap<string, Coding> = new Map([
  ['citext', plainText],
  ['ltree', textCoding(semantic('string', 'io.debezium.data.Ltree'))],
]);

/** Encodings that depend on the typmod, and hold every value of the type so modified. */
export function exactModifiedType(type: ColumnType): Coding | undefined {
  switch (type.name) {
    case 'time':
      return timePrecision(type) <= 3 ? timeMillis : timeMicros;
    case 'timestamp':
      return timePrecision(type) <= 3 ? timestampMillis : timestampMicros;
    case 'timestamptz':
      return zonedTimestamp(timePrecision(type));
    case 'bit':
      // `"bit"` without a length holds strings of any length.
      return type.typmod < 1 ? undefined : type.typmod === 1 ? singleBit : bits(type.typmod, true);
    default:
      return undefined;
  }
}

export function enumeration(type: ColumnType): Coding {
  const allowed = (type.labels ?? []).join(',');
  return textCoding(semantic('string', 'io.debezium.data.Enum', { allowed }));
}

/**
 * Preset `lossless`: Debezium's encoding where it holds every value of the type, PostgreSQL's text as
 * `io.millrace.postgres.Text` elsewhere. docs/debezium.md lists which and why.
 */
export const lossless: Preset = {
  name: 'lossless',
  strictNames: false,
  coding(columnType) {
    const type = baseOf(columnType);
    if (type.kind === 'enum') return enumeration(type);
    if (type.kind !== 'base' && type.kind !== 'range') return postgresText(type);
    const exact = isBuiltIn(type)
      ? (exactTypes.get(type.name) ?? exactModifiedType(type))
      : type.kind === 'base'
        ? exactExtensionTypes.get(type.name)
        : undefined;
    return exact ?? postgresText(type);
  },
};
