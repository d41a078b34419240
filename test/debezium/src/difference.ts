import type { AvroTexts, ExactSchema, ExactStruct, ExactValue, TopicRecord } from './exact.js';

/** One place where the two sides differ. */
export interface Difference {
  readonly topic: string;
  /** Letter of the operation; `tombstone`; `schema`. */
  readonly op: string;
  /** `value.after.note`, `valueSchema.after.note.optional`, `header.__debezium.newkey`, `record`. */
  readonly path: string;
  readonly debezium: unknown;
  readonly millrace: unknown;
}

type Report = (path: string, debezium: unknown, millrace: unknown) => void;

const isStruct = (value: ExactValue | undefined): value is ExactStruct =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Every place where two values differ, down to the fields of structs. */
function compareValues(
  path: string,
  debezium: ExactValue | undefined,
  millrace: ExactValue | undefined,
  report: Report,
): void {
  if (isStruct(debezium) && isStruct(millrace)) {
    for (const name of new Set([...Object.keys(debezium), ...Object.keys(millrace)]))
      compareValues(`${path}.${name}`, debezium[name], millrace[name], report);
  } else if (JSON.stringify(debezium) !== JSON.stringify(millrace)) report(path, debezium, millrace);
}

/** Every property in which two schemas differ, down to fields and items. */
function compareSchemas(
  path: string,
  debezium: ExactSchema | null,
  millrace: ExactSchema | null,
  report: Report,
): void {
  if (debezium === null || millrace === null) {
    if (debezium !== millrace) report(path, debezium, millrace);
    return;
  }
  const sorted = (schema: ExactSchema): ExactSchema => ({
    ...schema,
    ...(schema.parameters && { parameters: Object.fromEntries(Object.entries(schema.parameters).sort()) }),
  });
  for (const property of ['type', 'optional', 'name', 'version', 'doc', 'parameters', 'default'] as const) {
    if (JSON.stringify(sorted(debezium)[property]) !== JSON.stringify(sorted(millrace)[property]))
      report(`${path}:${property}`, debezium[property], millrace[property]);
  }
  if (debezium.items || millrace.items)
    compareSchemas(`${path}[]`, debezium.items ?? null, millrace.items ?? null, report);
  if (debezium.fields || millrace.fields) compareFields(path, debezium, millrace, report);
}

function compareFields(path: string, debezium: ExactSchema, millrace: ExactSchema, report: Report): void {
  const theirs = new Map((debezium.fields ?? []).map(({ name, schema }) => [name, schema]));
  const ours = new Map((millrace.fields ?? []).map(({ name, schema }) => [name, schema]));
  for (const name of new Set([...theirs.keys(), ...ours.keys()]))
    compareSchemas(`${path}.${name}`, theirs.get(name) ?? null, ours.get(name) ?? null, report);
  const order = (fields: Iterable<string>, other: ReadonlyMap<string, unknown>): string =>
    [...fields].filter((name) => other.has(name)).join();
  const [theirOrder, ourOrder] = [order(theirs.keys(), ours), order(ours.keys(), theirs)];
  if (theirOrder !== ourOrder) report(`${path}:order`, theirOrder, ourOrder);
}

const opOf = ({ value }: TopicRecord): string =>
  isStruct(value) ? String(value.op) : value === null ? 'tombstone' : 'unknown';

const isSnapshotRow = (record: TopicRecord): boolean => opOf(record) === 'r';

/** Rows of a snapshot come in no order that anyone may rely on. */
const byContent = (records: readonly TopicRecord[]): TopicRecord[] =>
  records
    .map((record) => ({
      record,
      content: JSON.stringify(isStruct(record.value) ? [record.key, record.value.after] : record.key),
    }))
    .sort((a, b) => (a.content < b.content ? -1 : a.content > b.content ? 1 : 0))
    .map(({ record }) => record);

/** Snapshot rows by content, then the stream in its order: the order within a topic, hence also per key, must be the same. */
const inOrder = (records: readonly TopicRecord[]): TopicRecord[] => [
  ...byContent(records.filter(isSnapshotRow)),
  ...records.filter((record) => !isSnapshotRow(record)),
];

const byTopic = (records: readonly TopicRecord[]): Map<string, TopicRecord[]> => {
  const topics = new Map<string, TopicRecord[]>();
  for (const record of records) topics.set(record.topic, [...(topics.get(record.topic) ?? []), record]);
  return topics;
};

/** Structs as they are, but with sorted keys: their order says nothing. */
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sortedKeys(field)]),
  );
}

interface WithAvro extends TopicRecord {
  readonly avro: AvroTexts;
}

/** The different Avro schemas that a topic's records were written with, in one spelling. */
export function avroSchemasOf(records: readonly WithAvro[], side: keyof AvroTexts): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { topic, avro } of records) {
    const text = avro[side];
    if (text === null) continue;
    const texts = found.get(topic) ?? new Set();
    found.set(topic, texts.add(JSON.stringify(sortedKeys(JSON.parse(text)))));
  }
  return found;
}

/** Compares everything that both published, topic by topic, record by record. */
export function compareRecords(
  debezium: readonly TopicRecord[],
  millrace: readonly TopicRecord[],
): Difference[] {
  const theirs = byTopic(debezium);
  const ours = byTopic(millrace);
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .sort()
    .flatMap((topic) =>
      compareTopic(topic, inOrder(theirs.get(topic) ?? []), inOrder(ours.get(topic) ?? [])),
    );
}

function compareTopic(
  topic: string,
  debezium: readonly TopicRecord[],
  millrace: readonly TopicRecord[],
): Difference[] {
  const found: Difference[] = [];
  const seenSchemas = new Map<ExactSchema | null, Set<ExactSchema | null>>();
  for (let i = 0; i < Math.max(debezium.length, millrace.length); i++) {
    const [theirs, ours] = [debezium[i], millrace[i]];
    const op = opOf((theirs ?? ours) as TopicRecord);
    const report: Report = (path, theirValue, ourValue) => {
      found.push({ topic, op, path, debezium: theirValue, millrace: ourValue });
    };
    if (!theirs || !ours) {
      report('record', theirs?.value, ours?.value);
      continue;
    }
    compareValues('key', theirs.key, ours.key, report);
    compareValues('value', theirs.value, ours.value, report);
    compareValues('header', theirs.headers, ours.headers, report);
    for (const side of ['keySchema', 'valueSchema'] as const) {
      const known = seenSchemas.get(theirs[side]) ?? new Set();
      if (!known.has(ours[side])) compareSchemas(side, theirs[side], ours[side], report);
      seenSchemas.set(theirs[side], known.add(ours[side]));
    }
  }
  return found;
}
