import { type TypeSample, valueCorpus } from '@millrace/e2e/values';

/** A type as it stands in the wide tables. */
export interface TypeCase extends TypeSample {
  /** `c07_numeric_10_3`: column and key table are named so. */
  readonly slug: string;
}

const q = (...texts: readonly string[]): string[] => texts.map((text) => `'${text.replaceAll("'", "''")}'`);

/**
 * Values of which no comparison can be made: on these Debezium's connector stops or writes another value, and ours refuses
 * with MR-5001. docs/debezium.md lists them; the codec's own tests hold the refusals.
 */
const refused: Readonly<Record<string, readonly string[]>> = {
  numeric: q('NaN', 'Infinity', '-Infinity'),
  interval: q('-178000000 years'),
  'bit varying(1)': ["B''"],
  timetz: q('24:00+00', '00:00:00.000001+15:59:59'),
  'int[]': q('{{1,NULL},{3,4}}', '[-1:1]={1,2,3}', '[0:0][5:6]={{1,2}}'),
  'text[]': q('{{a,b},{c,NULL}}'),
  'numeric(10,2)[]': q('{1.5,NaN,-0.01}'),
  'mood[]': q('{sad,NULL,""}'),
  many: q('{{1},{2}}'),
};

/** Rows must stay below PostgreSQL's TOAST threshold (2 kB), as large values that updates spare have tables of their own. */
const shortened = (value: string): string =>
  value
    .replace('1e131071', '1e131')
    .replace('1e-16383', '1e-163')
    .replace(/\b(131072|16383)\b/, '131')
    .replace('400000', '40')
    .replace('250000', '25')
    .replace("'10', 500", "'10', 50");

/** What the corpus of core types lacks: plain values beside refused ones, extensions, and more arrays. */
const more: readonly TypeSample[] = [
  { type: 'numeric(10,2)[]', values: q('{1.5,NULL,-0.01}', '{}') },
  { type: 'numeric(6,2)', values: q('0', '9999.99', '-0.01'), key: true },
  { type: 'numeric[]', values: q('{1.50,NULL,-0.001,100}') },
  { type: 'mood[]', values: q('{sad,""}', '{}') },
  { type: 'smallint[]', values: q('{1,NULL,-32768}') },
  { type: 'bigint[]', values: q('{9223372036854775807,NULL}') },
  { type: 'oid[]', values: q('{4294967295,0}') },
  { type: 'real[]', values: q('{NaN,-0,0.1,NULL}') },
  { type: 'boolean[]', values: q('{t,f,NULL}') },
  { type: 'date[]', values: q('{2024-02-29,NULL,"0044-03-15 BC"}') },
  { type: 'time[]', values: q('{24:00,12:34:56.789,NULL}') },
  { type: 'timetz[]', values: q('{12:00-15:59,NULL}') },
  { type: 'timestamp[]', values: q('{"2024-01-01 00:00:00.5",NULL}') },
  { type: 'timestamp(3)[]', values: q('{"2024-01-01 00:00:00.5",NULL}') },
  { type: 'uuid[]', values: q('{ffffffff-ffff-ffff-ffff-ffffffffffff,NULL}') },
  { type: 'json[]', values: ['ARRAY[\'{"a":1}\'::json, NULL]'] },
  { type: 'inet[]', values: q('{192.168.0.1/24,::1,NULL}') },
  { type: 'cidr[]', values: q('{10.0.0.0/8,NULL}') },
  { type: 'macaddr[]', values: q('{08:00:2b:01:02:03,NULL}') },
  { type: 'macaddr8[]', values: q('{08:00:2b:01:02:03:04:05,NULL}') },
  { type: 'int4range[]', values: q('{"[1,2)",NULL,empty}') },
  { type: 'numrange[]', values: q('{"[1.1,2.50)",NULL}') },
  { type: 'tsrange[]', values: q('{"[\\"2024-01-01 00:00:00\\",)"}') },
  { type: 'tstzrange[]', values: q('{"[\\"2024-01-01 00:00:00+00\\",)"}') },
  { type: 'daterange[]', values: q('{"[2024-01-01,2024-02-01)",NULL}') },
  { type: 'name[]', values: q('{a,NULL}') },
  { type: 'xml[]', values: q('{<a/>,NULL}') },
  { type: 'point[]', values: q('{"(1,2)",NULL}') },
  { type: 'varbit[]', values: q('{101,NULL}') },
  { type: 'tsvector[]', values: q('{"\'a\':1",NULL}') },
  { type: 'interval[]', values: q('{"1 day"}') },
  { type: 'time(6)', values: q('12:34:56.5', '24:00') },
  { type: 'time(0)', values: q('12:34:56') },
  { type: 'timestamp(3)', values: q('2024-01-01 12:00:00.123', 'infinity', '-infinity') },
  { type: 'timestamp(6)', values: q('2024-01-01 12:00:00.1') },
  { type: 'timestamptz(3)', values: q('2024-01-01 12:00:00.12+00', '2024-01-01 12:00:00+00') },
  { type: 'timestamptz(0)', values: q('2024-01-01 12:00:00+00') },
  { type: 'timetz(3)', values: q('12:34:56.78+02', '23:00-04'), key: true },
  { type: 'bit varying(1)', values: ["B'1'", "B'0'", "B''"] },
  { type: 'bit varying(9)', values: ["B'101010101'", "B'0'", "B''"] },
  { type: 'bit(64)', values: ["B'1' || repeat('0', 63)::bit(63)"] },
  { type: 'bit(33)', values: ["repeat('10', 16)::bit(32) || B'1'"] },
  { type: 'text', values: q('plain', 'two\nlines') },
  {
    type: 'hstore',
    setUp: ['CREATE EXTENSION hstore'],
    values: q('', 'a=>1,b=>NULL', '"q\\"x"=>"\\\\ \t","ü"=>"{}"', '10=>1, 9=>2'),
  },
  { type: 'citext', setUp: ['CREATE EXTENSION citext'], values: q('MiXed', ''), key: true },
  { type: 'ltree', setUp: ['CREATE EXTENSION ltree'], values: q('Top.Science', ''), key: true },
  { type: 'citext[]', values: q('{A,NULL}') },
  { type: 'ltree[]', values: q('{a.b,NULL}', '{a.b,c}') },
  { type: 'hstore[]', values: ["ARRAY['a=>1'::hstore, NULL]"] },
  { type: 'lquery', values: q('*.a') },
  { type: 'seg', setUp: ['CREATE EXTENSION seg'], values: q('1.5 .. 2') },
  { type: 'email', setUp: ['CREATE DOMAIN email AS varchar(20)'], values: q('a@b.c'), key: true },
  { type: 'email_of_shop', setUp: ['CREATE DOMAIN email_of_shop AS email'], values: q('s@b.c') },
  { type: 'precise', setUp: ['CREATE DOMAIN precise AS timestamp(3)'], values: q('2024-01-01 00:00:00.123') },
  { type: 'flags', setUp: ['CREATE DOMAIN flags AS bit(3)'], values: ["B'101'"] },
  { type: 'texts', setUp: ['CREATE DOMAIN texts AS text[]'], values: q('{a,NULL}') },
];

const slugOf = (type: string, index: number): string =>
  `c${String(index).padStart(3, '0')}_${type
    .toLowerCase()
    .replaceAll('[]', '_array')
    .replace(/[^a-z0-9]+/g, '_')}`.replace(/_+$/, '');

/** Every built-in type, contrib's that Debezium knows, and the user's own kinds of types. */
export const typeCases: readonly TypeCase[] = [...valueCorpus, ...more]
  .map((sample) => ({
    ...sample,
    values: sample.values.filter((value) => !refused[sample.type]?.includes(value)).map(shortened),
  }))
  .filter(({ values }) => values.length > 0)
  .map((sample, index) => ({ ...sample, slug: slugOf(sample.type, index) }));
