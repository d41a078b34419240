import { describe, expect, it } from 'vitest';
import { flawOf, sameOnTheWire } from './avro.js';
import { comparableForm } from './same-schema.js';

const record = (fields: unknown[], more: object = {}): string =>
  JSON.stringify({ type: 'record', name: 'R', fields, ...more });

describe('two texts of one schema', () => {
  it('are equal whatever the order of attributes, blanks, and the long form of a primitive', () => {
    const one = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}';
    const other = '{ "fields": [ {"type": {"type":"int"}, "name": "a"} ],\n "name":"R", "type":"record" }';
    expect(comparableForm(other)).toBe(comparableForm(one));
  });

  it('are not equal where a default, a property, a logical type or the order of fields differs', () => {
    const a = { name: 'a', type: ['null', 'int'], default: null };
    const b = { name: 'b', type: 'long' };
    const forms = [
      record([a, b]),
      record([b, a]),
      record([{ name: 'a', type: ['null', 'int'] }, b]),
      record([a, { ...b, type: { type: 'long', logicalType: 'timestamp-micros' } }]),
      record([a, b], { 'connect.version': 1 }),
      record([{ ...a, type: ['int', 'null'] }, b]),
    ].map(comparableForm);
    expect(new Set(forms).size).toBe(forms.length);
  });

  it('are the same on the wire when only what is not written differs', () => {
    const bare = record([{ name: 'a', type: 'long' }]);
    const dressed = record(
      [{ name: 'a', type: { type: 'long', logicalType: 'timestamp-micros' }, doc: 'x' }],
      {
        'connect.name': 'R',
      },
    );
    expect(sameOnTheWire(bare, dressed)).toBe(true);
    expect(sameOnTheWire(bare, record([{ name: 'a', type: 'int' }]))).toBe(false);
    expect(sameOnTheWire(bare, record([{ name: 'a', type: ['null', 'long'] }]))).toBe(false);
  });
});

it('what is no Avro schema has a flaw that is told', () => {
  expect(flawOf('"int"')).toBeUndefined();
  for (const text of [
    '',
    '{',
    '{"type":"record","name":"R"}',
    '"nonsense"',
    '{"type":"record","name":"1","fields":[]}',
  ])
    expect(flawOf(text), text).toEqual(expect.any(String));
});
