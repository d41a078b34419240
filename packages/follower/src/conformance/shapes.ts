import type { Column, ColumnType, Relation, ReplicaIdentity } from '@millrace/model';
import type { MirroredTable } from '../port.js';

const base = (oid: number, name: string, sql = name, typmod = -1): ColumnType => ({
  oid,
  schema: 'pg_catalog',
  name,
  kind: 'base',
  typmod,
  sql,
});

/** Built-in types by the names the suites use; oids as in pg_type.dat. */
export const types = {
  bool: base(16, 'bool', 'boolean'),
  bytea: base(17, 'bytea'),
  int8: base(20, 'int8', 'bigint'),
  int2: base(21, 'int2', 'smallint'),
  int4: base(23, 'int4', 'integer'),
  text: base(25, 'text'),
  oid: base(26, 'oid'),
  json: base(114, 'json'),
  xml: base(142, 'xml'),
  point: base(600, 'point'),
  float4: base(700, 'float4', 'real'),
  float8: base(701, 'float8', 'double precision'),
  inet: base(869, 'inet'),
  bpchar5: base(1042, 'bpchar', 'character(5)', 9),
  varchar10: base(1043, 'varchar', 'character varying(10)', 14),
  varchar20: base(1043, 'varchar', 'character varying(20)', 24),
  date: base(1082, 'date'),
  time: base(1083, 'time', 'time without time zone'),
  timestamp: base(1114, 'timestamp', 'timestamp without time zone'),
  timestamptz: base(1184, 'timestamptz', 'timestamp with time zone'),
  interval: base(1186, 'interval'),
  timetz: base(1266, 'timetz', 'time with time zone'),
  bit8: base(1560, 'bit', 'bit(8)', 8),
  varbit: base(1562, 'varbit', 'bit varying'),
  numeric: base(1700, 'numeric'),
  numeric38_10: base(1700, 'numeric', 'numeric(38,10)', ((38 << 16) | 10) + 4),
  numeric50_5: base(1700, 'numeric', 'numeric(50,5)', ((50 << 16) | 5) + 4),
  uuid: base(2950, 'uuid'),
  jsonb: base(3802, 'jsonb'),
  money: base(790, 'money'),
} as const satisfies Record<string, ColumnType>;

export const int4Array: ColumnType = {
  oid: 1007,
  schema: 'pg_catalog',
  name: '_int4',
  kind: 'array',
  typmod: -1,
  sql: 'integer[]',
  element: types.int4,
};

export const textArray: ColumnType = {
  oid: 1009,
  schema: 'pg_catalog',
  name: '_text',
  kind: 'array',
  typmod: -1,
  sql: 'text[]',
  element: types.text,
};

export const int4Range: ColumnType = {
  oid: 3904,
  schema: 'pg_catalog',
  name: 'int4range',
  kind: 'range',
  typmod: -1,
  sql: 'int4range',
};

/** A user's enum: its oid is the leader's and means nothing elsewhere. */
export const mood: ColumnType = {
  oid: 70_001,
  schema: 'public',
  name: 'mood',
  kind: 'enum',
  typmod: -1,
  sql: 'mood',
  labels: ['sad', 'ok', 'it\'s "fine"'],
};

export const positive: ColumnType = {
  oid: 70_002,
  schema: 'public',
  name: 'positive',
  kind: 'domain',
  typmod: -1,
  sql: 'positive',
  base: types.int4,
};

export interface ColumnShape {
  readonly attnum?: number;
  readonly notNull?: boolean;
  readonly missing?: string | null;
}

export function column(attnum: number, name: string, type: ColumnType, shape: ColumnShape = {}): Column {
  return {
    attnum: shape.attnum ?? attnum,
    name,
    type,
    notNull: shape.notNull ?? false,
    generated: false,
    missing: shape.missing ?? null,
  };
}

export interface RelationShape {
  readonly schema?: string;
  readonly name: string;
  readonly id?: number;
  readonly columns: readonly Column[];
  readonly key?: readonly number[];
  readonly identity?: ReplicaIdentity;
}

let nextRelationId = 50_000;

export function relation(shape: RelationShape): Relation {
  const key = shape.key ?? [0];
  return {
    id: shape.id ?? nextRelationId++,
    schema: shape.schema ?? 'public',
    name: shape.name,
    columns: shape.columns.map((one, i) => (key.includes(i) ? { ...one, notNull: true } : one)),
    identity: shape.identity ?? (key.length > 0 ? 'default' : 'full'),
    key,
  };
}

export function mirrored(of: Relation, version = 1, state: MirroredTable['state'] = 'exact'): MirroredTable {
  return { topic: `shop.${of.schema}.${of.name}`, version, relation: of, state };
}

/** The table most suites use: (id int4 key, name text, price numeric(38,10), note text). */
export function itemsTable(name = 'items'): MirroredTable {
  return mirrored(
    relation({
      name,
      columns: [
        column(1, 'id', types.int4),
        column(2, 'name', types.text),
        column(3, 'price', types.numeric38_10),
        column(4, 'note', types.text),
      ],
    }),
  );
}

export function keylessTable(name = 'bag'): MirroredTable {
  return mirrored(
    relation({
      name,
      key: [],
      columns: [column(1, 'a', types.int4), column(2, 'b', types.text), column(3, 'c', types.json)],
    }),
  );
}
