import { expect, it } from 'vitest';
import { parseEndpoint } from './endpoints.js';

it('reads host and port, IPv6 in brackets', () => {
  expect(parseEndpoint('kafka-1.example:9092')).toEqual({ host: 'kafka-1.example', port: 9092 });
  expect(parseEndpoint(' [::1]:9093 ')).toEqual({ host: '::1', port: 9093 });
});

it.each([
  '',
  'host',
  'host:',
  ':9092',
  'host:0',
  'host:65536',
  '::1:9092',
  'kafka://host:9092',
  'user@host:1',
  'a b:1',
])('refuses %j with MR-1003', (text) => {
  expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'MR-1003' }));
});
