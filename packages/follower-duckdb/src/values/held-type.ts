import { Buffer } from 'node:buffer';
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBIntervalValue,
  type DuckDBTimestampTZValue,
  type DuckDBTimestampValue,
  type DuckDBTimeValue,
  type DuckDBType,
  DuckDBUUIDValue,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  INTERVAL,
  SMALLINT,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  UINTEGER,
  UUID,
  VARCHAR,
} from '@duckdb/node-api';
import type { ColumnType } from '@millrace/model';
import { blobLiteral, quoteText } from '../engine/sql.js';
import { type DecimalShape, decimalShape, readDecimal, writeDecimal } from './decimals.js';
import { readFloat4, readFloat8, writeFloat4, writeFloat8 } from './floats.js';
import {
  readDate,
  readInterval,
  readTime,
  readTimestamp,
  readTimestampTz,
  writeDate,
  writeInterval,
  writeTime,
  writeTimestamp,
  writeTimestampTz,
} from './temporal.js';

/** How DuckDB holds one of PostgreSQL's types, exactly. */
export interface HeldType {
  /** The column's type in SQL, which also names the way of reading and writing: equal text, equal handling. */
  readonly sql: string;
  readonly type: DuckDBType;
  /** From PostgreSQL's text; undefined when DuckDB's type cannot hold it (MR-5001). */
  read(text: string): DuckDBValue | undefined;
  /** Back to PostgreSQL's text. */
  write(value: DuckDBValue): string;
  /** The value as an expression in SQL. */
  literal(text: string): string;
  /**
   * The value as a plain constant, where it has one. ADD COLUMN with any other default is an UPDATE in disguise, after which
   * DuckDB refuses to alter the table again in the same transaction.
   */
  constant(text: string): string | undefined;
  /** Ordered by DuckDB as keys are everywhere: numbers by value, text by bytes. */
  readonly ordered: boolean;
  /** DuckDB finds some different values equal (1 month and 30 days): whole rows compare by their text. */
  readonly comparesAsText: boolean;
  /** Values are numbers that hold every 32-bit integer which the leader's type has. */
  readonly isInt: boolean;
  /** Values are bigints of 64 bits. */
  readonly isBigint: boolean;
}

function held<V extends DuckDBValue>(
  sql: string,
  type: DuckDBType,
  read: (text: string) => V | undefined,
  write: (value: V) => string,
  more: Partial<
    Pick<HeldType, 'literal' | 'constant' | 'ordered' | 'comparesAsText' | 'isInt' | 'isBigint'>
  > = {},
): HeldType {
  return {
    sql,
    type,
    read,
    // The engine returns values of the column's own type only.
    write: (value) => write(value as V),
    literal: (text) => `CAST(${quoteText(text)} AS ${sql})`,
    constant: () => undefined,
    ordered: true,
    comparesAsText: false,
    isInt: false,
    isBigint: false,
    ...more,
  };
}

const integerForm = /^-?\d+$/;

const integer = (sql: string, type: DuckDBType, min: number, max: number): HeldType =>
  held(
    sql,
    type,
    (text) => {
      const value = Number(text);
      return integerForm.test(text) && value >= min && value <= max ? value : undefined;
    },
    (value: number) => String(value),
    { constant: plainInteger, isInt: true },
  );

/** A sign would be an operator. */
const plainInteger = (text: string): string | undefined => (/^\d{1,18}$/.test(text) ? text : undefined);

const int8_max = 9_223_372_036_854_775_807n;
const bigInteger = held(
  'BIGINT',
  BIGINT,
  (text) => {
    if (!integerForm.test(text)) return undefined;
    const value = BigInt(text);
    return value >= -int8_max - 1n && value <= int8_max ? value : undefined;
  },
  (value: bigint) => String(value),
  { constant: plainInteger, isBigint: true },
);

const boolean = held(
  'BOOLEAN',
  BOOLEAN,
  (text) => (text === 't' ? true : text === 'f' ? false : undefined),
  (value: boolean) => (value ? 't' : 'f'),
  { constant: (value) => (value === 't' ? 'true' : 'false') },
);

const text = held(
  'VARCHAR',
  VARCHAR,
  (value) => value,
  (value: string) => value,
  { literal: quoteText, constant: quoteText },
);
/** Text in DuckDB for types that PostgreSQL orders otherwise. */
const unorderedText: HeldType = { ...text, ordered: false };

const blob = held(
  'BLOB',
  BLOB,
  (hex) => (hex.startsWith('\\x') ? blobValue(Buffer.from(hex.slice(2), 'hex')) : undefined),
  (value: DuckDBBlobValue) => `\\x${Buffer.from(value.bytes).toString('hex')}`,
  { literal: (hex) => blobLiteral(Buffer.from(hex.slice(2), 'hex')) },
);

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuid = held(
  'UUID',
  UUID,
  (value) =>
    uuidForm.test(value) ? DuckDBUUIDValue.fromUint128(BigInt(`0x${value.replaceAll('-', '')}`)) : undefined,
  (value: DuckDBUUIDValue) => value.toString(),
);

const date = held('DATE', DATE, readDate, (value: DuckDBDateValue) => writeDate(value), {
  literal: (value) => infinite(value, 'DATE') ?? `(DATE '1970-01-01' + INTEGER '${readDate(value)?.days}')`,
});

const timestamp = held(
  'TIMESTAMP',
  TIMESTAMP,
  readTimestamp,
  (value: DuckDBTimestampValue) => writeTimestamp(value),
  {
    literal: (value) =>
      infinite(value, 'TIMESTAMP') ?? `make_timestamp(CAST(${readTimestamp(value)?.micros} AS BIGINT))`,
  },
);

const timestamptz = held(
  'TIMESTAMP WITH TIME ZONE',
  TIMESTAMPTZ,
  readTimestampTz,
  (value: DuckDBTimestampTZValue) => writeTimestampTz(value),
  {
    literal: (value) =>
      infinite(value, 'TIMESTAMP WITH TIME ZONE') ??
      `CAST(make_timestamp(CAST(${readTimestampTz(value)?.micros} AS BIGINT)) AS TIMESTAMP WITH TIME ZONE)`,
  },
);

const infinite = (value: string, type: string): string | undefined =>
  value.endsWith('infinity') ? `CAST('${value}' AS ${type})` : undefined;

const interval = held(
  'INTERVAL',
  INTERVAL,
  readInterval,
  (value: DuckDBIntervalValue) => writeInterval(value),
  {
    literal: (value) => {
      const parts = readInterval(value);
      return `(to_months(${parts?.months}) + to_days(${parts?.days}) + to_microseconds(CAST(${parts?.micros} AS BIGINT)))`;
    },
    ordered: false,
    comparesAsText: true,
  },
);

const decimal = (shape: DecimalShape): HeldType =>
  held(
    `DECIMAL(${shape.width},${shape.scale})`,
    DECIMAL(shape.width, shape.scale),
    (value) => readDecimal(value, shape),
    (value: DuckDBDecimalValue) => writeDecimal(value),
  );

const byName: ReadonlyMap<string, HeldType> = new Map([
  ['bool', boolean],
  ['int2', integer('SMALLINT', SMALLINT, -32_768, 32_767)],
  ['int4', integer('INTEGER', INTEGER, -2_147_483_648, 2_147_483_647)],
  ['int8', bigInteger],
  ['oid', integer('UINTEGER', UINTEGER, 0, 4_294_967_295)],
  [
    'float4',
    held('FLOAT', FLOAT, readFloat4, (value: number) => writeFloat4(value), { comparesAsText: true }),
  ],
  [
    'float8',
    held('DOUBLE', DOUBLE, readFloat8, (value: number) => writeFloat8(value), { comparesAsText: true }),
  ],
  ['text', text],
  ['varchar', text],
  ['name', text],
  ['bytea', blob],
  ['uuid', uuid],
  ['date', date],
  ['time', held('TIME', TIME, readTime, (value: DuckDBTimeValue) => writeTime(value))],
  ['timestamp', timestamp],
  ['timestamptz', timestamptz],
  ['interval', interval],
]);

/**
 * The type that holds all (or, where the README says so, nearly all) values of `type`; VARCHAR with PostgreSQL's own text
 * for everything DuckDB has no equal for. Domains are held as their base type.
 */
export function heldTypeOf(type: ColumnType): HeldType {
  if (type.kind === 'domain' && type.base) return heldTypeOf(type.base);
  if (type.kind !== 'base' || type.schema !== 'pg_catalog') return unorderedText;
  if (type.name === 'numeric') {
    const shape = decimalShape(type.typmod);
    return shape ? decimal(shape) : unorderedText;
  }
  return byName.get(type.name) ?? unorderedText;
}
