import { inPublic, type Workload } from './workload.js';

interface LargeColumn {
  readonly type: string;
  /** A value that is stored out of line; `i` counts from 1 to 3000 over the rows it is aggregated from. */
  readonly value: string;
  /** Debezium has no placeholder for it: it writes null, and stops where the column may not be NULL. */
  readonly unconverted?: true;
}

const large = "repeat('x', 3000)";
const aggregated = (element: string, type: string): LargeColumn => ({
  type: `${type}[]`,
  value: `array_agg(${element}::${type})`,
});

const columns: Readonly<Record<string, LargeColumn>> = {
  t: { type: 'text', value: large },
  v: { type: 'varchar', value: large },
  c: { type: 'char(9000)', value: large },
  ci: { type: 'citext', value: large },
  b: { type: 'bytea', value: `${large}::bytea` },
  j: { type: 'json', value: `to_json(${large})` },
  jb: { type: 'jsonb', value: `to_jsonb(${large})` },
  x: { type: 'xml', value: `('<a>' || ${large} || '</a>')::xml` },
  h: { type: 'hstore', value: `hstore('k', ${large})` },
  tv: { type: 'tsvector', value: "array_to_tsvector(array_agg('w' || i))" },
  num: { type: 'numeric', value: `('1' || repeat('12', 6000))::numeric`, unconverted: true },
  vb: { type: 'varbit', value: `('1' || repeat('01', 30000))::varbit`, unconverted: true },
  ta: aggregated("'a'", 'text'),
  va: aggregated("'a'", 'varchar'),
  ca: { ...aggregated("'a'", 'citext'), unconverted: true },
  ia: aggregated('i', 'int'),
  la: aggregated('i', 'bigint'),
  da: aggregated("'2024-01-01'", 'date'),
  ua: aggregated("'00000000-0000-0000-0000-000000000001'", 'uuid'),
  ja: aggregated("'{}'", 'jsonb'),
  ba: aggregated("'\\x00'", 'bytea'),
  ra: { ...aggregated('i', 'real'), unconverted: true },
  na: { ...aggregated('i', 'numeric'), unconverted: true },
  tsa: { ...aggregated("'2024-01-01 00:00+00'", 'timestamptz'), unconverted: true },
  sa: { ...aggregated('(i % 100)', 'smallint'), unconverted: true },
  oa: { ...aggregated('true', 'boolean'), unconverted: true },
  ka: { ...aggregated("'[1,2)'", 'int4range'), unconverted: true },
  ma: { ...aggregated("'sad'", 'mood'), unconverted: true },
  ha: { ...aggregated("'a=>1'", 'hstore'), unconverted: true },
};

const table = (
  name: string,
  constraint: string,
  chosen: readonly (readonly [string, LargeColumn])[],
): string[] => [
  `CREATE TABLE ${name} (id int PRIMARY KEY, n int, ${chosen.map(([column, { type }]) => `${column} ${type}${constraint}`).join(', ')})`,
  ...chosen.map(([column]) => `ALTER TABLE ${name} ALTER ${column} SET STORAGE EXTERNAL`),
  `INSERT INTO ${name} SELECT 1, 1, ${chosen.map(([, { value }]) => value).join(', ')} FROM generate_series(1, 3000) i`,
];

const all = Object.entries(columns);
const converted = all.filter(([, { unconverted }]) => unconverted !== true);

/** Large values that updates spare (unchanged TOAST). Comes after the workload that makes the types. */
export const sparedWorkload: Workload = {
  tables: inPublic('spared', 'spared_required', 'spared_whole'),
  setUp: [
    ...table('spared', '', all),
    ...table('spared_required', ' NOT NULL', converted),
    ...table('spared_whole', '', all),
    'ALTER TABLE spared_whole REPLICA IDENTITY FULL',
  ],
  changes: [
    'UPDATE spared SET n = 2',
    'UPDATE spared_required SET n = 2',
    "UPDATE spared SET t = '__debezium_unavailable_value', n = 3",
    'UPDATE spared SET id = 2',
    'UPDATE spared_required SET id = 2',
    'DELETE FROM spared',
    'DELETE FROM spared_required',
    'UPDATE spared_whole SET n = 2',
    'UPDATE spared_whole SET id = 2',
    'DELETE FROM spared_whole',
  ],
};
