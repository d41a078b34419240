import { prefix } from './both.js';
import type { Difference } from './difference.js';
import type { ExactValue } from './exact.js';
import { typeCases } from './workload/type-cases.js';

/** A difference that stays, with its reason in docs/debezium.md under the same name. */
export interface Accepted {
  /** Stands in the page, word for word. */
  readonly name: string;
  readonly covers: (difference: Difference) => boolean;
}

const typeOfSlug = new Map(typeCases.map(({ slug, type }) => [slug, type]));

/** Type of the column that a path leads to, in the tables that have a column per type, or one type as key. */
function typeAt({ topic, path }: Difference): string | undefined {
  const slug = /\.(c[0-9]{3}_[a-z0-9_]+)/.exec(path)?.[1];
  const keyed = /\.key_(c[0-9]{3}_[a-z0-9_]+)$/.exec(topic)?.[1];
  return typeOfSlug.get(slug ?? (/\.k\b/.test(path) ? (keyed ?? '') : ''));
}

const isRow = ({ path }: Difference): boolean => /^(key|value\.(before|after))\b/.test(path);
const isSnapshot = ({ op }: Difference): boolean => op === 'r';
const inTopic =
  (...tables: readonly string[]) =>
  ({ topic }: Difference): boolean =>
    tables.some((table) => topic === `${prefix}.public.${table}`);
const ofType =
  (...types: readonly string[]) =>
  (difference: Difference): boolean =>
    types.includes(typeAt(difference) ?? '');

const number = (value: unknown): number => Number(String(value).replace(/^number:/, ''));
/** Clocks and snapshots are minutes apart at most; in milliseconds, whatever the field's unit. */
const clocks_ms_max = 120_000;
const unitsPerMillisecond: Readonly<Record<string, number>> = { ts_ms: 1, ts_us: 1e3, ts_ns: 1e6 };

const isNear = ({ path, debezium, millrace }: Difference): boolean => {
  const units = unitsPerMillisecond[/ts_[mun]s$/.exec(path)?.[0] ?? ''];
  return units !== undefined && Math.abs(number(debezium) - number(millrace)) < clocks_ms_max * units;
};

/** Two texts of JSON, or of a struct's field that holds one, with the same content. */
const sameJson = (debezium: unknown, millrace: unknown): boolean => {
  if (typeof debezium !== 'string' || typeof millrace !== 'string') return false;
  const sorted = (text: string): string => JSON.stringify(Object.entries(JSON.parse(text) as object).sort());
  return sorted(debezium) === sorted(millrace);
};

/** The second of both LSNs in `source.sequence`. */
const ownLsn = (sequence: unknown): string | undefined => String(sequence).split(',')[1];

/** A field that ours does not have: no value, and no schema (null). */
const isLeftOut = ({ millrace }: Difference): boolean => millrace === undefined || millrace === null;

/** 1582-10-15 in days from 1970; the codes of both infinite dates are less, too. */
const gregorian_days = -141_427;

/** Without the years, of which Debezium forgets that they are before Christ. */
const hasYearsBc = (value: unknown): boolean =>
  Array.isArray(value) && value.some((item: ExactValue) => /^(?:number:)?-(?:00|7)/.test(String(item)));

export const accepted: readonly Accepted[] = [
  {
    name: 'version',
    covers: ({ path }) => path === 'value.source.version',
  },
  {
    name: 'clocks',
    covers: (difference) =>
      (/^value\.ts_[mun]s$/.test(difference.path) ||
        (isSnapshot(difference) && difference.path.startsWith('value.source.ts_'))) &&
      isNear(difference),
  },
  {
    name: 'position of snapshot rows',
    covers: (difference) =>
      isSnapshot(difference) && /^value\.source\.(lsn|sequence|txId)$/.test(difference.path),
  },
  {
    name: 'marks of snapshot rows',
    covers: (difference) =>
      isSnapshot(difference) && difference.path === 'value.source.snapshot' && difference.millrace === 'true',
  },
  {
    name: 'mark of streamed events',
    covers: (difference) =>
      !isSnapshot(difference) &&
      difference.path === 'value.source.snapshot' &&
      difference.debezium === null &&
      difference.millrace === 'false',
  },
  {
    name: 'headers',
    covers: ({ path }) => path.startsWith('header.__debezium.'),
  },
  {
    name: 'defaults in schemas',
    covers: (difference) =>
      inTopic('with_defaults', 'serials', 'filled')(difference) &&
      difference.path.endsWith(':default') &&
      difference.millrace === undefined,
  },
  {
    name: 'defaults in place of NULL',
    covers: (difference) =>
      inTopic('with_defaults')(difference) &&
      isRow(difference) &&
      difference.millrace === null &&
      difference.debezium !== null,
  },
  {
    name: 'fillers of old rows',
    covers: (difference) =>
      difference.op === 'd' &&
      difference.path.startsWith('value.before.') &&
      (inTopic('with_defaults', 'filled')(difference) ||
        (/^timestamptz/.test(typeAt(difference) ?? '') && difference.debezium === '1970-01-01T00:00:00Z')),
  },
  {
    name: 'numeric with a negative scale',
    covers: (difference) =>
      ofType('numeric(5,-2)')(difference) && (isRow(difference) || difference.path.endsWith(':parameters')),
  },
  {
    name: 'dates before 1582 and infinite dates in snapshots',
    covers: (difference) =>
      isSnapshot(difference) && ofType('date')(difference) && number(difference.millrace) < gregorian_days,
  },
  {
    name: 'name',
    covers: (difference) =>
      ofType('name')(difference) && !isSnapshot(difference) && !String(difference.debezium ?? ''),
  },
  {
    name: 'int2vector, oidvector',
    covers: (difference) => ofType('int2vector', 'oidvector')(difference) && isLeftOut(difference),
  },
  {
    name: 'tsvector[]',
    covers: (difference) => ofType('tsvector[]')(difference) && isLeftOut(difference),
  },
  {
    name: 'ltree[]',
    covers: (difference) => ofType('ltree[]')(difference) && difference.debezium === null,
  },
  {
    name: 'years before Christ in arrays',
    covers: (difference) => ofType('date[]', 'timestamptz[]')(difference) && hasYearsBc(difference.millrace),
  },
  {
    name: '24:00 in arrays',
    covers: (difference) =>
      ofType('time[]')(difference) && JSON.stringify(difference.millrace).includes('86400000000'),
  },
  {
    name: 'order of keys in hstore',
    covers: (difference) =>
      ofType('hstore')(difference) && sameJson(difference.debezium, difference.millrace),
  },
  {
    name: 'replica identity of another index',
    covers: (difference) => inTopic('by_index')(difference) && difference.path.startsWith('key'),
  },
  {
    name: 'unique index in place of a primary key',
    covers: (difference) => inTopic('only_unique')(difference) && difference.path.startsWith('key'),
  },
  {
    name: 'real in JSON',
    covers: (difference) =>
      ofType('real')(difference) &&
      /e-/.test(String(difference.debezium)) &&
      Math.fround(number(difference.debezium)) === Math.fround(number(difference.millrace)),
  },
  {
    name: 'commits that a publication leaves out',
    covers: ({ topic, path, debezium, millrace }) =>
      topic.startsWith(`${prefix}.my_schema.`) &&
      path === 'value.source.sequence' &&
      ownLsn(debezium) === ownLsn(millrace),
  },
  {
    name: 'generated columns in snapshots',
    covers: (difference) =>
      inTopic('generated')(difference) && /\.doubled$/.test(difference.path) && isLeftOut(difference),
  },
  {
    name: 'schema names with a digit after a dot',
    covers: ({ topic, path }) => topic.includes('.1st.') && path.endsWith(':name'),
  },
];
