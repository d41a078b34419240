import { describe, expect, it } from 'vitest';
import { compareRecords } from './difference.js';
import type { ExactSchema, ExactValue, TopicRecord } from './exact.js';

const rowSchema = (overrides: Partial<ExactSchema> = {}): ExactSchema => ({
  type: 'struct',
  optional: false,
  fields: [{ name: 'id', schema: { type: 'int32', optional: false, ...overrides } }],
});

const record = (op: string, after: ExactValue, schema: ExactSchema = rowSchema()): TopicRecord => ({
  topic: 't',
  ...{ key: null, keySchema: null, headers: {} },
  ...{ value: { op, after }, valueSchema: schema },
});

const paths = (debezium: readonly TopicRecord[], millrace: readonly TopicRecord[]): string[] =>
  compareRecords(debezium, millrace).map(({ op, path }) => `${op} ${path}`);

describe('the comparison', () => {
  it('finds nothing between equal records', () => {
    expect(paths([record('c', { id: '1' })], [record('c', { id: '1' })])).toEqual([]);
  });

  it('finds a changed, a missing and an additional field', () => {
    const one = [record('c', { id: '1', a: null })];
    expect(paths(one, [record('c', { id: '2', b: 'x' })])).toEqual([
      'c value.after.id',
      'c value.after.a',
      'c value.after.b',
    ]);
  });

  it('finds lost, added and exchanged records of a stream, but leaves the order of snapshot rows open', () => {
    const [a, b] = [record('c', { id: '1' }), record('c', { id: '2' })];
    expect(paths([a, b], [a])).toEqual(['c record']);
    expect(paths([a], [a, b])).toEqual(['c record']);
    expect(paths([a, b], [b, a])).toEqual(['c value.after.id', 'c value.after.id']);
    const [r, s] = [record('r', { id: '1' }), record('r', { id: '2' })];
    expect(paths([r, s], [s, r])).toEqual([]);
  });

  it('finds a tombstone that one side lacks', () => {
    const tombstone = { ...record('d', null), value: null, valueSchema: null };
    expect(paths([record('d', null), tombstone], [record('d', null)])).toEqual(['tombstone record']);
  });

  it.each([
    { type: 'int64' },
    { optional: true },
    { name: 'io.debezium.time.Date' },
    { version: 2 },
    { parameters: { scale: '2' } },
    { default: '0' },
    { doc: 'x' },
  ] as const)('finds a schema that differs in %o', (overrides) => {
    const [property] = Object.keys(overrides);
    const mine = record('c', { id: '1' }, rowSchema(overrides));
    expect(paths([record('c', { id: '1' })], [mine])).toEqual([`c valueSchema.id:${property}`]);
  });
});
