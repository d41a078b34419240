import type { ExactValue } from '../exact.js';
import { inPublic, type Workload } from './workload.js';

/** A value that our encoding refuses (MR-5001), as Debezium's would turn it into something else. */
export interface RefusedValue {
  readonly type: string;
  /** As SQL. */
  readonly value: string;
  /** What Debezium's connector writes for it. */
  readonly debezium: ExactValue | RegExp;
}

/** The codec’s tests hold that each is refused (`debezium-types.test.ts`); docs/debezium.md tells why. */
export const refusedValues: readonly RefusedValue[] = [
  { type: 'numeric', value: 'NaN', debezium: null },
  { type: 'numeric', value: 'Infinity', debezium: null },
  { type: 'numeric(10,2)', value: 'NaN', debezium: null },
  { type: 'numeric(10,2)[]', value: '{NaN}', debezium: null },
  { type: 'interval', value: '-178000000 years', debezium: '-9223372036854775808' },
  { type: 'interval', value: 'infinity', debezium: '0' },
  { type: 'timetz', value: '24:00+00', debezium: '00:00:00Z' },
  { type: 'timestamp', value: '294247-01-10 04:00:25.2', debezium: '9223372036825200000' },
  { type: 'timestamp', value: '294276-12-31 23:59:59', debezium: '9223372036854775807' },
  { type: 'varbit(1)', value: '', debezium: null },
  { type: 'int[]', value: '{{1,2},{3,4}}', debezium: [null, null] },
  { type: 'int[]', value: '[-1:1]={1,2,3}', debezium: ['1', '2', '3'] },
  { type: 'text[]', value: '{{a,b},{c,NULL}}', debezium: /^\["\[Ljava\.lang\.String;@/ },
  { type: 'mood[]', value: '{sad,NULL}', debezium: null },
];

const table = (index: number): string => `refused_${index}`;

/** Only for Debezium: our capture would stop. Comes after the workload that makes the types. */
export const refusedWorkload: Workload = {
  tables: inPublic(...refusedValues.map((_, index) => table(index))),
  setUp: refusedValues.map(
    ({ type }, index) => `CREATE TABLE ${table(index)} (id int PRIMARY KEY, v ${type})`,
  ),
  changes: refusedValues.map(({ value }, index) => `INSERT INTO ${table(index)} VALUES (1, '${value}')`),
};

export const refusedTopic = (prefix: string, index: number): string => `${prefix}.public.${table(index)}`;
