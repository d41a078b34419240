import { expect, it } from 'vitest';
import { parseJarLock, repositoryPath } from './jar-lock.js';
import { pomOf } from './maven.js';

const jar = {
  group: 'org.apache.kafka',
  artifact: 'kafka_2.13',
  version: '4.3.1',
  bytes: 7,
  sha256: 'a'.repeat(64),
};

it('a lock is read as it was written', () => {
  expect(parseJarLock(JSON.stringify({ jars: [jar] }), 'x.lock.json')).toEqual({ jars: [jar] });
  expect(repositoryPath(jar)).toBe('org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar');
});

it.each([
  ['no JSON', '{'],
  ['no list', '{}'],
  ['a way out of the cache', JSON.stringify({ jars: [{ ...jar, version: '../../x' }] })],
  ['two dots as a version', JSON.stringify({ jars: [{ ...jar, version: '..' }] })],
  ['markup for the pom', JSON.stringify({ jars: [{ ...jar, group: '<a>' }] })],
  ['no checksum', JSON.stringify({ jars: [{ ...jar, sha256: 'abc' }] })],
  ['no size', JSON.stringify({ jars: [{ ...jar, bytes: '7' }] })],
])('a lock with %s is refused by name', (_what, text) => {
  expect(() => parseJarLock(text, 'x.lock.json')).toThrow(/MR-7005.*x\.lock\.json/);
});

it('Maven is asked for the locked jars alone, or for roots with all they need', () => {
  expect(pomOf([jar], true)).toContain(
    '<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>',
  );
  expect(pomOf([jar], false)).not.toContain('exclusion');
});
