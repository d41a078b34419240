import { expect, it } from 'vitest';
import { parseExactJson } from './exact-json.js';

it('keeps what JSON.parse would round, and leaves numbers inside strings alone', () => {
  expect(
    parseExactJson('{"a":9223372036854775807,"b":"1 \\"2\\" 3e4","c":[-1.50,1E2,-0.0,-0],"d":null}'),
  ).toEqual({
    a: 'number:9223372036854775807',
    b: '1 "2" 3e4',
    c: ['number:-1.5', 'number:100', 'number:-0', 'number:-0'],
    d: null,
  });
});

it('spells a number one way however it was written', () => {
  for (const text of ['3.0', '3', '0.3e1', '30E-1']) expect(parseExactJson(text)).toBe('number:3');
  expect(parseExactJson('3.4028235E38')).toBe(parseExactJson('3.4028235e+38'));
});
