import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { LoadedConfig } from '../config/load.js';
import { parseConfig } from '../config/load.js';
import { Secrets } from '../config/secrets.js';
import { registryFindings } from './registry-findings.js';

const minimal = `pipeline: shop
leader: { url: "postgresql://h/d" }
followers: { lake: { duckdb: { path: ./lake.duckdb } } }
`;

function loaded(text: string): LoadedConfig {
  const secrets = new Secrets();
  const file = '/etc/millrace.yaml';
  return { config: parseConfig(minimal + text, file, {}, secrets), file, folder: '/etc', secrets };
}

const codesOf = async (text: string): Promise<string[]> =>
  (await registryFindings(loaded(text))).map(({ severity, code }) => `${severity} ${code}`);

let close: (() => void) | undefined;
afterEach(() => close?.());

/** A registry that answers each path as told. */
async function registryWith(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] as string;
    response.writeHead(path in answers ? 200 : 404).end(JSON.stringify(answers[path]));
  });
  close = () => server.close();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([
  ['', []],
  ['registry: {}\n', []],
  ['registry: { listen: "[::1]:8081", writable: true }\n', []],
  ['registry: { listen: "0.0.0.0:8081" }\n', ['warning registry-open']],
  ['registry: { listen: "0.0.0.0:8081", username: u, password: p }\n', ['warning registry-plain']],
  ['registry: { listen: "0.0.0.0:8081", username: u, password: p, tls: { cert: c, key: k } }\n', []],
])('whom our registry lets in is told: %j', async (text, codes) => {
  expect(await codesOf(text)).toEqual(codes);
});

it('what would stop capture at an external registry is told beforehand', async () => {
  const good = { '/subjects': [], '/config': { compatibilityLevel: 'NONE' }, '/mode': { mode: 'READWRITE' } };
  const codec = (url: string): string => `codec: { registry: { url: "${url}" } }\n`;
  expect(await codesOf(codec(await registryWith(good)))).toEqual([]);
  const strict = { ...good, '/config': { compatibilityLevel: 'BACKWARD' } };
  expect(await codesOf(codec(await registryWith(strict)))).toEqual(['warning MR-5007']);
  const closed = { ...good, '/mode': { mode: 'READONLY' } };
  expect(await codesOf(codec(await registryWith(closed)))).toEqual(['error MR-5008']);
  expect(await codesOf(codec(await registryWith({})))).toEqual(['error MR-5009']);
});
