/** A column type of a leader, what must exist for it, and values of it that copies have been known to spoil, as SQL. */
export interface TypeSample {
  readonly type: string;
  readonly values: readonly string[];
  readonly setUp?: readonly string[];
  /** Values are unique and the type can be a key. */
  readonly key?: boolean;
}

const q = (...texts: readonly string[]): string[] => texts.map((text) => `'${text.replaceAll("'", "''")}'`);

const numbers: readonly TypeSample[] = [
  { type: 'boolean', values: ['true', 'false'], key: true },
  { type: 'smallint', values: ['-32768', '32767', '0'], key: true },
  { type: 'integer', values: ['-2147483648', '2147483647'], key: true },
  { type: 'bigint', values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'], key: true },
  { type: 'oid', values: ['0', '4294967295'], key: true },
  {
    type: 'real',
    values: q('NaN', 'Infinity', '-Infinity', '1e-45', '3.4028235e38', '1.17549435e-38', '0.1'),
    key: true,
  },
  {
    type: 'double precision',
    values: q('NaN', 'Infinity', '-Infinity', '5e-324', '1.7976931348623157e308', '0.1', '9007199254740993'),
    key: true,
  },
  {
    type: 'numeric',
    values: [
      ...q('NaN', 'Infinity', '-Infinity', '0', '1.10', '-0.000', '1e-16383', '-1e131071'),
      "repeat('9', 131072)::numeric",
      "('0.' || repeat('7', 16383))::numeric",
    ],
    key: false,
  },
  { type: 'numeric(10,3)', values: q('1', '-9999999.999', '0.001'), key: true },
  { type: 'numeric(38,38)', values: q('0.5', '-0.99999999999999999999999999999999999999') },
  { type: 'numeric(5,-2)', values: q('1234500', '-100') },
  { type: 'numeric(3,7)', values: q('0.0000123') },
  { type: 'money', values: q('12.34', '-92233720368547758.08', '92233720368547758.07') },
];

const times: readonly TypeSample[] = [
  {
    type: 'date',
    values: q('infinity', '-infinity', '4713-01-01 BC', '0001-01-01', '5874897-12-31', '1582-10-10'),
    key: true,
  },
  { type: 'time', values: q('24:00', '00:00', '23:59:59.999999'), key: true },
  { type: 'time(3)', values: q('12:34:56.789') },
  { type: 'timetz', values: q('24:00+00', '00:00:00.000001+15:59:59', '12:00-15:59'), key: true },
  {
    type: 'timestamp',
    values: q(
      'infinity',
      '-infinity',
      '4713-01-01 00:00 BC',
      '0001-01-01 00:00',
      '2000-02-29 23:59:59.999999',
      '1969-12-31 23:59:59.999999',
    ),
    key: true,
  },
  {
    type: 'timestamptz',
    values: q(
      'infinity',
      '-infinity',
      '4713-01-02 00:00+00 BC',
      '1883-11-18 12:00:00-07:52:58',
      '2024-03-10 02:30:00.5-05',
    ),
    key: true,
  },
  { type: 'timestamp(0)', values: q('2024-01-01 12:00:00') },
  {
    type: 'interval',
    values: q(
      '1 year -2 mons 3 days -04:05:06.000007',
      '-178000000 years',
      '0',
      '1 mon',
      '30 days',
      '720:00:00',
    ),
  },
  { type: 'interval day to second(2)', values: q('1 day 02:03:04.05') },
];

const texts: readonly TypeSample[] = [
  {
    type: 'text',
    values: [
      ...q(
        '',
        ' ',
        '__debezium_unavailable_value',
        '\\N',
        '\\.',
        '{"a":1}',
        'it\'s "so"',
        'null',
        'NULL',
        '\t\r\n\u000b',
        '😀\u0301 naïve',
      ),
      "E'\\x01\\x7f'",
      "repeat('Ω', 400000)",
    ],
    key: false,
  },
  { type: 'varchar(5)', values: q('', 'ab', '😀😀😀😀😀'), key: true },
  { type: 'char(5)', values: q('', 'ab', 'abcde'), key: true },
  { type: '"char"', values: q('x', ''), key: true },
  { type: 'name', values: q('', "o'clock"), key: true },
  {
    type: 'bytea',
    values: [...q('\\x', '\\x00ff', '\\x5c'), "decode(repeat('00ff5c27', 250000), 'hex')"],
    key: false,
  },
  {
    type: 'uuid',
    values: q('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    key: true,
  },
  { type: 'json', values: q('{"b":1, "a" :[1.10,1e400], "b":2}', 'null', '"\\u0000"', '  [ ]  ') },
  { type: 'jsonb', values: q('{"b":1,"a":[1.10,12345678901234567890.5]}', 'null', '""', '"😀"'), key: true },
  { type: 'jsonpath', values: q('$.a[*] ? (@ > 1)') },
  { type: 'xml', values: q('<a b="1">&lt;ü</a>', 'text only', '') },
  { type: 'bit(5)', values: ["B'10101'", "B'00000'"], key: true },
  { type: 'bit varying', values: ["B''", "B'1'", "repeat('10', 500)::bit varying"], key: true },
  { type: 'bit(1)', values: ["B'1'", "B'0'"] },
];

const networkAndSearch: readonly TypeSample[] = [
  { type: 'inet', values: q('0.0.0.0', '::ffff:1.2.3.4', '192.168.0.1/24', 'fe80::1/64'), key: true },
  { type: 'cidr', values: q('10.0.0.0/8', '::/0'), key: true },
  { type: 'macaddr', values: q('08:00:2b:01:02:03'), key: true },
  { type: 'macaddr8', values: q('08:00:2b:01:02:03:04:05'), key: true },
  { type: 'tsvector', values: q("'a':1A,2B 'o''clock':3 'back\\\\slash'", '') },
  { type: 'tsquery', values: q("'a' & !('b' | 'c':*AB)", '') },
  { type: 'pg_lsn', values: q('0/0', 'FFFFFFFF/FFFFFFFF'), key: true },
  { type: 'xid8', values: q('18446744073709551615'), key: true },
  { type: 'xid', values: q('4294967295') },
  { type: 'tid', values: q('(4294967295,65535)'), key: true },
  { type: 'pg_snapshot', values: q('10:20:10,14,15') },
  { type: 'regclass', values: q('pg_class', '0') },
  { type: 'regtype', values: q('integer', 'text[]') },
  { type: 'int2vector', values: q('1 2 3', '') },
  { type: 'oidvector', values: q('1 2', '') },
];

const shapes: readonly TypeSample[] = [
  { type: 'point', values: q('(1,-0)', '(NaN,Infinity)', '(0.1,1e300)') },
  { type: 'line', values: q('{1,-2,3}') },
  { type: 'lseg', values: q('[(0,0),(1,1)]') },
  { type: 'box', values: q('(3,4),(1,2)') },
  { type: 'path', values: q('[(0,0),(1,1)]', '((0,0),(1,1))') },
  { type: 'polygon', values: q('((0,0),(1,1),(1,0))') },
  { type: 'circle', values: q('<(0,0),5>') },
];

const nested: readonly TypeSample[] = [
  { type: 'int[]', values: q('{}', '{NULL}', '{{1,NULL},{3,4}}', '[-1:1]={1,2,3}', '[0:0][5:6]={{1,2}}') },
  { type: 'text[]', values: q('{}', '{"NULL",NULL,"","a\\"b\\\\c","{},"}', '{{a,b},{c,NULL}}') },
  { type: 'numeric(10,2)[]', values: q('{1.5,NaN,-0.01}') },
  { type: 'timestamptz[]', values: q('{infinity,"2024-01-01 00:00:00+00","0044-03-15 00:00+00 BC"}') },
  { type: 'bytea[]', values: q('{"\\\\x00","\\\\x"}') },
  { type: 'float8[]', values: q('{NaN,-0,Infinity}') },
  { type: 'jsonb[]', values: ['ARRAY[\'{"a":[1,2]}\'::jsonb, NULL]'] },
  { type: 'box[]', values: ["ARRAY['(1,1),(0,0)'::box, '(2,2),(1,1)'::box]"] },
  { type: 'interval[]', values: q('{"1 day","-00:00:01"}') },
  { type: 'varchar(3)[]', values: q('{abc,NULL}') },
  { type: 'char(3)[]', values: q('{a,NULL}') },
  { type: 'money[]', values: q('{1.5,NULL}') },
  { type: 'int4range', values: q('empty', '[1,5)', '(,)', '[3,)'), key: true },
  { type: 'numrange', values: q('[1.10,2.50]', '(-Infinity,Infinity)', '[,1)'), key: true },
  { type: 'tsrange', values: q('["2024-01-01 00:00","infinity"]', 'empty') },
  { type: 'tstzrange', values: q('[2024-01-01 00:00+00,)') },
  { type: 'daterange', values: q('[infinity,infinity]', '[2024-01-01,2024-02-01)') },
  { type: 'int8range[]', values: q('{"[1,2)",NULL,empty}') },
  { type: 'int4multirange', values: q('{}', '{[1,2),[5,7)}') },
  { type: 'tstzmultirange', values: q('{[2024-01-01 00:00+00,2024-01-02 00:00+00)}') },
];

const ofTheUser: readonly TypeSample[] = [
  {
    type: 'mood',
    setUp: [`CREATE TYPE mood AS ENUM ('sad', 'it''s "ok", {yes}', '')`],
    values: q('sad', 'it\'s "ok", {yes}', ''),
    key: true,
  },
  { type: 'mood[]', values: q('{sad,NULL,""}') },
  {
    type: 'small_even',
    setUp: [
      'CREATE DOMAIN small AS numeric(6,2) CHECK (VALUE < 1000)',
      'CREATE DOMAIN small_even AS small CHECK (VALUE * 100 % 2 = 0)',
    ],
    values: q('12.34', '-0.02'),
    key: true,
  },
  { type: 'small_even[]', values: q('{1.00,NULL}') },
  { type: 'many', setUp: ['CREATE DOMAIN many AS int[]'], values: q('{1,2}', '{{1},{2}}') },
  { type: 'many[]', values: ["ARRAY['{1,2}'::many, NULL]"] },
  {
    type: 'pair',
    setUp: ['CREATE TYPE pair AS (a int, "b c" text, d mood[])'],
    values: ["ROW(1, 'x,\"y\"(\\', '{sad}')", 'ROW(NULL, NULL, NULL)', "ROW(NULL, '', '{}')"],
  },
  { type: 'pair[]', values: ["ARRAY[ROW(1, 'x', NULL)::pair, NULL]"] },
  {
    type: 'words',
    setUp: ['CREATE TYPE words AS RANGE (subtype = text, multirange_type_name = many_words)'],
    values: q('["a,b","c)")', 'empty', '(,)'),
  },
  { type: 'many_words', values: q('{["a","b"),["x","y"]}') },
  { type: 'pair_domain', setUp: ['CREATE DOMAIN pair_domain AS pair'], values: ["ROW(2, 'z', '{}')"] },
];

/** Types and values of core PostgreSQL that any supported version has. */
export const valueCorpus: readonly TypeSample[] = [
  ...numbers,
  ...times,
  ...texts,
  ...networkAndSearch,
  ...shapes,
  ...nested,
  ...ofTheUser,
];
