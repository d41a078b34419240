import { describe, expect, it } from 'vitest';
import { legalAvro } from './legal-avro.js';

describe('legalAvro', () => {
  it('lets Avro pass as it stands', () => {
    const schema =
      '{"type":"record","name":"a.B","fields":[{"name":"c","type":["null","long"],"default":null}]}';
    expect(legalAvro('shop.public.b', schema)).toBe(schema);
  });

  it.each([
    '{"type":"record","name":"1","fields":[]}',
    '{"type":"record","name":"B","fields":[{"name":"c d","type":"long"}]}',
    '{"type":"record","name":"B","fields":[{"name":"c","type":"number"}]}',
  ])('refuses %s before it is registered, naming the topic', (schema) => {
    expect(() => legalAvro('shop.public.b', schema)).toThrow(/MR-5002.*shop\.public\.b/);
  });
});
