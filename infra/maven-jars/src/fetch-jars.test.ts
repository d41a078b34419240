import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchJars } from './fetch-jars.js';
import { jarFile, type LockedJar, repositoryPath } from './jar-lock.js';

let folder: string;
let cache: string;
let localRepository: string;
let server: Server;
let url: string;
/** What the repository answers, by path. */
let served: Map<string, Buffer>;
let asked: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maven-jars-'));
  cache = join(folder, 'cache');
  localRepository = join(folder, 'm2');
  served = new Map();
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.headers.authorization ?? ''}${request.url}`);
    const body = served.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/maven2`;
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const content = new Map<string, Buffer>();

function jar(artifact: string, version = '1.0'): LockedJar {
  const bytes = randomBytes(100_000);
  content.set(artifact, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { group: 'org.example.deep', artifact, version, bytes: bytes.length, sha256 };
}

const bytesOf = ({ artifact }: LockedJar): Buffer => content.get(artifact) ?? Buffer.alloc(0);

function serve(...jars: readonly LockedJar[]): void {
  for (const each of jars) served.set(`/maven2/${repositoryPath(each)}`, bytesOf(each));
}

it('gives a class path in the order of the lock, of jars that are byte for byte the locked ones', async () => {
  const jars = Array.from({ length: 20 }, (_, index) => jar(`part-${index}`));
  serve(...jars);
  const paths = (await fetchJars({ jars }, { cache, localRepository, url })).split(delimiter);
  expect(paths).toEqual(jars.map((each) => jarFile(cache, each)));
  for (const [index, path] of paths.entries())
    expect(readFileSync(path).equals(bytesOf(jars[index] as LockedJar))).toBe(true);
});

it('asks nobody for what is in the cache, and fetches again what a cleaner took', async () => {
  const jars = [jar('a'), jar('b')] as const;
  serve(...jars);
  await fetchJars({ jars }, { cache, localRepository, url });
  asked.length = 0;
  await fetchJars({ jars }, { cache, localRepository, url });
  expect(asked).toEqual([]);
  rmSync(jarFile(cache, jars[1]));
  await fetchJars({ jars }, { cache, localRepository, url });
  expect(asked).toEqual([`/maven2/${repositoryPath(jars[1])}`]);
});

it('takes from Maven’s local repository what is there, unless it is not the locked jar', async () => {
  const good = jar('good');
  const bad = jar('bad');
  for (const [each, bytes] of [
    [good, bytesOf(good)],
    [bad, randomBytes(bad.bytes)],
  ] as const) {
    mkdirSync(dirname(jarFile(localRepository, each)), { recursive: true });
    writeFileSync(jarFile(localRepository, each), bytes);
  }
  serve(bad);
  await fetchJars({ jars: [good, bad] }, { cache, localRepository, url });
  expect(asked).toEqual([`/maven2/${repositoryPath(bad)}`]);
  expect(readFileSync(jarFile(cache, bad)).equals(bytesOf(bad))).toBe(true);
});

it('lets no jar into the cache that differs from the lock in a single bit', async () => {
  const tampered = jar('tampered');
  const bytes = Buffer.from(bytesOf(tampered));
  bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
  served.set(`/maven2/${repositoryPath(tampered)}`, bytes);
  await expect(fetchJars({ jars: [tampered] }, { cache, localRepository, url })).rejects.toThrow(/MR-7005/);
  const left = readdirSync(cache, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});

it('says which jar cannot be had and from where, without the credentials of the URL', async () => {
  const absent = jar('absent');
  const secret = url.replace('//', '//user:p%40ss@');
  const failure = await fetchJars({ jars: [absent] }, { cache, localRepository, url: secret }).catch(String);
  expect(failure).toMatch(/MR-7004.*absent-1\.0\.jar.*404/);
  expect(failure).not.toMatch(/p%40ss|p@ss/);
  expect(asked[0]).toMatch(`Basic ${Buffer.from('user:p@ss').toString('base64')}/maven2/org`);
});

it('many processes may fetch the same at once', async () => {
  const jars = Array.from({ length: 5 }, (_, index) => jar(`shared-${index}`));
  serve(...jars);
  const all = await Promise.all(
    Array.from({ length: 4 }, () => fetchJars({ jars }, { cache, localRepository, url })),
  );
  expect(new Set(all).size).toBe(1);
  for (const each of jars) expect(readFileSync(jarFile(cache, each)).equals(bytesOf(each))).toBe(true);
});
