import type { ColumnType } from '@millrace/model';
import { arrayType, baseType, numericType } from './column-types.js';

/** Values of one type, as PostgreSQL prints them in the session that `RowImage` describes. */
export interface Corpus {
  readonly type: ColumnType;
  /** Statement that a server needs before it knows the type. */
  readonly setUp?: string;
  readonly values: readonly string[];
}

const named = (name: string, ...values: string[]): Corpus => ({ type: baseType(name), values });
const modified = (name: string, typmod: number, sql: string, ...values: string[]): Corpus => ({
  type: baseType(name, { typmod, sql }),
  values,
});
const own = (name: string, kind: ColumnType['kind'], more: Partial<ColumnType> = {}): ColumnType =>
  baseType(name, { schema: 'public', kind, ...more });
const arrays = (element: ColumnType, ...values: string[]): Corpus => ({ type: arrayType(element), values });

/** varchar's and bpchar's typmod is the length plus the size of a header. */
const charTypmod = (length: number): number => length + 4;

const texts = [
  ...['', ' ', 'plain', 'NULL', '__debezium_unavailable_value', 'quotes " and \' and \\ and \\x00'],
  ...['line\nfeed\ttab\rreturn\u0001\u001f\u007f', 'ä€漢字🚀\u{10ffff}\ufffd\ufeff\u2028'],
  ...['</script><!-- {"__proto__":1} -->; DROP TABLE x;--', 'é'.repeat(40), 'x'.repeat(47), 'x'.repeat(48)],
  ...['x'.repeat(49), `${'x'.repeat(63)}é`, 'long "\u0002" '.repeat(9_000)],
];

const integers: readonly Corpus[] = [
  named('bool', 't', 'f'),
  named('int2', '0', '-1', '32767', '-32768', '10'),
  named('int4', '0', '-1', '63', '64', '-64', '-65', '2147483647', '-2147483648', '1000000000'),
  named(
    'int8',
    ...['0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993', '-9007199254740993'],
    ...['4294967295', '4294967296', '-4294967296', '-4294967297', '1000000000', '999999999'],
    ...['100000000000000000', '2147483648', '-2147483649', '18014398509481985', '-1000000000000000000'],
  ),
  named('oid', '0', '4294967295', '2147483648'),
];

const floats: readonly Corpus[] = [
  named(
    'float4',
    ...['0', '-0', '1', '0.1', '-1.5', '3.4028235e+38', '1e-45', '1.1754944e-38', '1.1754942e-38', 'NaN'],
    ...['Infinity', '-Infinity', '1.6777216e+07', '123456', '1.234567e+06', '1e+06', '0.0001', '1e-05'],
    ...['3.1415927', '-9.999999e-05'],
  ),
  named(
    'float8',
    ...['0', '-0', '1', '0.1', '-1.5', '1.7976931348623157e+308', '5e-324', '2.2250738585072014e-308'],
    ...['NaN', 'Infinity', '-Infinity', '9.999999999999999e+22', '1e+15', '123456789012345', '0.0001'],
    ...['1e-05', '0.30000000000000004', '9.007199254740992e+15', '-5e-323'],
  ),
];

const decimals: readonly Corpus[] = [
  {
    type: numericType(10, 2),
    values: ['0.00', '-0.01', '12345678.90', '-99999999.99', '1.28', '-1.28', '0.00', 'NaN'],
  },
  { type: numericType(5, 0), values: ['0', '-128', '127', '128', '-129', '99999', 'NaN'] },
  {
    type: numericType(1000, 500),
    values: [`${'9'.repeat(500)}.${'9'.repeat(500)}`, `-0.${'0'.repeat(499)}1`],
  },
  { type: numericType(3, -2), values: ['0', '12300', '-99900'] },
  named(
    'numeric',
    ...['0', '-1', '1.50', '1.5', '0.000', 'NaN', 'Infinity', '-Infinity', '1000000'],
    ...['123456789012345678901234567890.123456789', `0.${'0'.repeat(16_382)}1`, '9'.repeat(131_072)],
  ),
  named('money', '$0.00', '-$1,234.56', '$92,233,720,368,547,758.07'),
];

const strings: readonly Corpus[] = [
  { type: baseType('text'), values: texts },
  modified('varchar', charTypmod(40), 'character varying(40)', '', 'short', 'ü'.repeat(40)),
  modified('bpchar', charTypmod(5), 'character(5)', '     ', 'ab   ', 'ünïcö'),
  named('char', 'x', ''),
  named('name', 'a"b', 'x'.repeat(63)),
  named('bytea', '\\x', '\\x00', '\\xdeadbeef00ff', `\\x${'0123456789abcdef'.repeat(5000)}`),
  named('json', '{"a": 1,  "a":2}', 'null', '"\\u0000"', '[1e400]', ' {} '),
  named('jsonb', '{"a": [1, null, "ü"]}', 'null', '1.50', '"x"'),
  named('xml', '<a b="c">d</a>', 'x'),
  named('uuid', '00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  named('inet', '192.168.0.1', '10.0.0.0/8', '::1', '2001:db8::/32'),
  named('cidr', '10.0.0.0/8', '::/0'),
  named('macaddr', '08:00:2b:01:02:03'),
  named('macaddr8', '08:00:2b:01:02:03:04:05'),
  named('tsvector', "'a':1A 'it''s':2", ''),
  named('tsquery', "'a' & !'b'"),
  named('pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF'),
  named('jsonpath', '$."a"[*]?(@ > 1)'),
];

const times: readonly Corpus[] = [
  named(
    'date',
    ...['1970-01-01', '1969-12-31', '2024-02-29', '1900-02-28', '9999-12-31', '10000-01-01'],
    ...['5874897-12-31', '0001-01-01', '0001-12-31 BC', '4714-11-24 BC', 'infinity', '-infinity'],
  ),
  named('time', '00:00:00', '24:00:00', '23:59:59.999999', '12:34:56.7', '01:02:03.000004'),
  modified('time', 3, 'time(3) without time zone', '00:00:00', '24:00:00', '23:59:59.999', '12:00:00.1'),
  named('timetz', '00:00:00+00', '24:00:00-15:59', '11:51:30.123789+02', '23:59:59.999999+05:30'),
  named(
    'timestamp',
    ...[
      '1970-01-01 00:00:00',
      '1969-12-31 23:59:59.999999',
      '2024-02-29 12:34:56.789',
      '2255-06-05 23:47:34.740991',
    ],
    ...[
      '2255-06-06 23:47:34.740993',
      '9999-12-31 23:59:59.999999',
      '10000-01-01 00:00:00',
      '0001-01-01 00:00:00',
    ],
    ...[
      '0001-12-31 23:59:59.5 BC',
      '4714-11-24 00:00:00 BC',
      '294247-01-10 04:00:25.199999',
      'infinity',
      '-infinity',
    ],
  ),
  modified(
    'timestamp',
    ...([3, 'timestamp(3) without time zone'] as const),
    ...[
      '1970-01-01 00:00:00',
      '1969-12-31 23:59:59.999',
      '294276-12-31 23:59:59.999',
      '4714-11-24 00:00:00.001 BC',
    ],
    ...['infinity', '-infinity'],
  ),
  named(
    'timestamptz',
    ...[
      '1970-01-01 00:00:00+00',
      '2016-11-04 11:51:30.123456+00',
      '2016-11-04 11:51:30.1+00',
      '0001-01-01 00:00:00+00',
    ],
    ...[
      '0001-12-31 23:59:59.5+00 BC',
      '0044-03-15 12:00:00+00 BC',
      '4714-11-24 00:00:00+00 BC',
      '9999-12-31 23:59:59+00',
    ],
    ...['10000-01-01 00:00:00.000001+00', '294276-12-31 23:59:59.999999+00', 'infinity', '-infinity'],
  ),
  modified(
    'timestamptz',
    0,
    'timestamp(0) with time zone',
    '2016-11-04 11:51:30+00',
    '0044-03-15 12:00:00+00 BC',
  ),
  modified(
    'timestamptz',
    2,
    'timestamp(2) with time zone',
    '2016-11-04 11:51:30+00',
    '2016-11-04 11:51:30.12+00',
  ),
  named(
    'interval',
    ...[
      '00:00:00',
      '1 year 2 mons 3 days 04:05:06.789',
      '-1 years -2 mons +3 days -04:05:06',
      '1 mon',
      '-1 days',
    ],
    ...['838:59:59', '178000000 years', '-00:00:00.000001', '1 day 00:00:00.1'],
  ),
];

const shapes: readonly Corpus[] = [
  named('point', '(0,0)', '(1.5,-0)', '(NaN,Infinity)', '(1e+300,-1e-300)'),
  named('box', '(3,4),(1,2)'),
  named('lseg', '[(1,2),(3,4)]'),
  named('path', '((0,0),(1,1))', '[(0,0),(1,1)]'),
  named('polygon', '((0,0),(1,1),(1,0))'),
  named('circle', '<(1,2),3>'),
  named('line', '{1,2,3}'),
  modified('bit', 1, 'bit(1)', '0', '1'),
  modified('bit', 3, 'bit(3)', '000', '001', '100', '111'),
  modified(
    'bit',
    17,
    'bit(17)',
    '0'.repeat(17),
    `1${'0'.repeat(16)}`,
    `${'0'.repeat(16)}1`,
    '10101010101010101',
  ),
  named('varbit', '', '0', '1', '000', '0001', '10000000001'),
  modified('varbit', 1, 'bit varying(1)', '0', '1'),
  modified('varbit', 9, 'bit varying(9)', '', '101', '000000001'),
];

const ranges: readonly Corpus[] = [
  { type: baseType('int4range', { kind: 'range' }), values: ['empty', '[1,10)', '(,)', '[1,)'] },
  { type: baseType('int8range', { kind: 'range' }), values: ['empty', '[1,9223372036854775807)'] },
  { type: baseType('numrange', { kind: 'range' }), values: ['[1.50,2]', '(,NaN]'] },
  { type: baseType('tsrange', { kind: 'range' }), values: ['["2024-01-01 00:00:00",infinity]'] },
  { type: baseType('tstzrange', { kind: 'range' }), values: ['["2024-01-01 00:00:00+00",)'] },
  { type: baseType('daterange', { kind: 'range' }), values: ['[2024-01-01,2024-02-01)'] },
  { type: baseType('int4multirange', { kind: 'multirange' }), values: ['{}', '{[1,3),[5,8)}'] },
];

const mood = own('mood', 'enum', { labels: ['sad', 'ok, so so', 'hap"py'] });
const pair = own('pair', 'composite');

const userTypes: readonly Corpus[] = [
  {
    type: mood,
    setUp: `CREATE TYPE mood AS ENUM ('sad', 'ok, so so', 'hap"py')`,
    values: ['sad', 'ok, so so', 'hap"py'],
  },
  {
    type: own('positive', 'domain', { base: numericType(6, 2) }),
    setUp: 'CREATE DOMAIN positive AS numeric(6,2) CHECK (VALUE >= 0)',
    values: ['0.00', '1234.50'],
  },
  {
    type: pair,
    setUp: 'CREATE TYPE pair AS (a int, b text)',
    values: ['(1,)', '(,"a ""b"" \\\\ c")', '(1,"(2,3)")'],
  },
];

const arrayValues: readonly Corpus[] = [
  arrays(baseType('int4'), '{}', '{1,NULL,-3}', '{{1,2},{3,4}}', '[0:1]={1,2}', '[2:2][0:1]={{1,2}}'),
  arrays(baseType('int8'), '{9223372036854775807,NULL}'),
  arrays(
    baseType('text'),
    ...[
      '{}',
      '{""}',
      '{a,NULL,"NULL","null"}',
      '{"a b","a,b","{}","q\\"q","b\\\\b","\u000b"}',
      '{ü,🚀,"\n"}',
    ],
  ),
  arrays(baseType('float8'), '{NaN,-0,1e+300,NULL}'),
  arrays(baseType('bool'), '{t,f,NULL}'),
  arrays(baseType('bytea'), '{"\\\\x00ff",NULL,"\\\\x"}'),
  arrays(baseType('date'), '{2024-01-01,infinity,"0044-03-15 BC"}'),
  arrays(baseType('timestamptz'), '{"2024-01-01 00:00:00+00",NULL}'),
  arrays(baseType('uuid'), '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'),
  arrays(baseType('jsonb'), '{"{\\"a\\": 1}",NULL}'),
  arrays(numericType(10, 2), '{1.50,-0.01,NULL}'),
  arrays(baseType('interval'), '{"1 mon",01:00:00}'),
];

/** Nasty values of every kind of type, exact texts. Enum values need their type first: `setUp` in order. */
export const valueCorpus: readonly Corpus[] = [
  ...integers,
  ...floats,
  ...decimals,
  ...strings,
  ...times,
  ...shapes,
  ...ranges,
  ...userTypes,
  ...arrayValues,
  { type: arrayType(mood), values: ['{sad,"ok, so so","hap\\"py"}'] },
];
