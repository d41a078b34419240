import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';
import { tempFolder } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { findConfig, loadConfig, parseConfig } from './load.js';
import { configJsonSchema } from './schema.js';
import { Secrets } from './secrets.js';

/** Written out: the reference itself, which no template string may fill. */
const reference = ['$', '{env:LEADER_URL}'].join('');

const minimal = `pipeline: shop
leader: { url: "${reference}" }
followers:
  lake: { duckdb: { path: ./lake.duckdb } }
`;
const env = { LEADER_URL: 'postgresql://u:p%40ssword@db.example/shop' };

const parse = (text: string, secrets = new Secrets()) =>
  parseConfig(text, '/etc/millrace.yaml', env, secrets);

function faultOf(text: string): Fault {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error('no fault');
}

it('fills every default of the smallest configuration', () => {
  const config = parse(minimal);
  expect(config.leader).toMatchObject({
    url: env.LEADER_URL,
    publication: { name: 'millrace', create: true },
    tables: ['public.*'],
  });
  expect(config.log.embedded?.retention).toEqual({
    bytes: 10 * 2 ** 30,
    age: 604_800_000,
    followers: 'hold',
  });
  expect(config.codec).toEqual({ format: 'avro', preset: 'lossless' });
  expect(config.followers.lake).toMatchObject({ on_restore: 'stop', schema: 'evolve' });
  expect(config.monitor).toMatchObject({ listen: '127.0.0.1:9187', sample: 1_000 });
  expect(config.monitor.budgets).toEqual([
    { follower: '*', warn: 64 * 2 ** 20, page: 256 * 2 ** 20, for: 10_000 },
  ]);
});

it('takes a Kafka log instead of the embedded one, with TLS verified and its secrets never printed', () => {
  const secrets = new Secrets();
  const kafka = `log:
  kafka:
    brokers: [kafka-1:9093, "[::1]:9093"]
    tls: { ca: "-----BEGIN CERTIFICATE-----" }
    sasl: { mechanism: scram-sha-512, username: millrace, password: hush-hush }
    topics: { partitions: 6, replication: 3 }
`;
  const { log } = parse(minimal + kafka, secrets);
  expect(log.embedded).toBeUndefined();
  expect(log.kafka).toMatchObject({
    tls: { ca: '-----BEGIN CERTIFICATE-----' },
    topics: { partitions: 6, replication: 3, compression: 'none', retention: 604_800_000 },
  });
  expect(faultOf(`${minimal}log: { kafka: { brokers: ["http://kafka:9092"] } }\n`).detail).toContain(
    'host:port',
  );
  expect(faultOf(`${minimal}log: { kafka: { brokers: [k:1] }, embedded: {} }\n`).detail).toContain(
    'embedded or kafka',
  );
  const weak = `${minimal}log: { kafka: { brokers: [k:1], topics: { replication: 1, min_insync: 2 } } }\n`;
  expect(faultOf(weak).detail).toContain('min_insync must not be above replication');
  expect(faultOf(kafka.replace('sasl', 'salt') + minimal).detail).not.toContain('hush-hush');
});

it('shows line, column, caret and the key that was meant', () => {
  const fault = faultOf(minimal.replace('url:', 'urll:'));
  expect(fault.code).toBe('MR-1003');
  expect(fault.detail).toContain(
    [
      '/etc/millrace.yaml:2:11: unknown key "urll" in leader; did you mean "url"?',
      `  2 | leader: { urll: "${reference}" }`,
      '    |           ^^^^',
    ].join('\n'),
  );
});

it('shows all errors of a file at once, in its order', () => {
  const fault = faultOf(
    `${minimal}monitor: { sampel: 1s, budgets: [{ warn: 64, page: 1MiB }] }\ncodec: { format: xml }\n`,
  );
  const heads = fault.detail.split('\n').filter((line) => line.startsWith('/etc'));
  expect(heads.map((line) => line.replace('/etc/millrace.yaml:', ''))).toEqual([
    '5:12: unknown key "sampel" in monitor; did you mean "sample"?',
    '5:42: monitor.budgets.0.warn: expected a size such as "64MiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)',
    expect.stringMatching(/^6:18: codec\.format: expected one of "avro"\|"json"/),
  ]);
});

it.each([
  ['', 'expected a mapping'],
  ['pipeline: [', 'Flow sequence'],
  ['pipeline: shop\npipeline: shop\n', 'Map keys must be unique'],
  ['pipeline: shop\n', '"leader" is missing'],
  [minimal.replace('pipeline: shop', 'pipeline: 9shop'), 'expected a pipeline'],
  [minimal.replace(reference, 'mysql://x/y'), 'leader.url: expected a URL such as "postgresql://'],
  [minimal.replace('{ duckdb: { path: ./lake.duckdb } }', '{}'), 'expected exactly one store'],
  [minimal.replace('lake:', 'capture:'), 'names of services'],
  [minimal.replace('lake: ', '__proto__: '), 'cannot be used as a name'],
  [`${minimal}monitor: { listen: 9187 }\n`, 'monitor.listen'],
  [`${minimal}monitor: { listen: "localhost:99999" }\n`, 'up to 65535'],
  [`${minimal}monitor: { budgets: [{ warn: 2MiB, page: 1MiB }] }\n`, 'warn must not be above page'],
  [`${minimal}registry: {}\ncodec: { format: json }\n`, 'there is nothing to serve'],
  [`${minimal}registry: {}\ncodec: { registry: { url: "http://r:8081" } }\n`, 'there is nothing to serve'],
  [`${minimal}registry: { username: u }\n`, 'username and password together'],
  [`${minimal}codec: { registry: { url: "ftp://r" } }\n`, 'codec.registry.url: expected a URL'],
  [`${minimal}codec: { format: json, registry: { url: "http://r" } }\n`, 'no schemas to register'],
])('refuses %j in one clear message', (text, message) => {
  const fault = faultOf(text);
  expect(fault.code).toBe('MR-1003');
  expect(fault.detail).toContain(message);
});

it('names the variable or file of a secret that is not there, with its place', () => {
  const missing = faultOf(minimal.replace('LEADER_URL', 'NOT_SET'));
  expect(missing.code).toBe('MR-1004');
  expect(missing.detail).toContain('millrace.yaml:2:16: the environment variable NOT_SET is not set');
  const file = faultOf(minimal.replace('env:LEADER_URL', 'file:nowhere/secret'));
  expect(file.detail).toContain('the file /etc/nowhere/secret cannot be read (ENOENT)');
});

it('never prints a secret: neither resolved, nor written in plain, nor percent-decoded', () => {
  const secrets = new Secrets();
  parse(minimal, secrets);
  expect(secrets.redact(`cannot connect to ${env.LEADER_URL}`)).toBe('cannot connect to ***');
  expect(secrets.redact('password p@ssword refused')).toBe('password *** refused');
  const plain = faultOf(
    `${minimal.replace(reference, 'postgresql://u:hunter2x@h/d').replace('leader: {', 'leader: { slto: a,')}`,
  );
  expect(plain.detail).not.toContain('hunter2x');
});

it('serves no registry unless asked to, and reads one of others with its secrets hidden', () => {
  expect(parse(minimal).registry).toBeUndefined();
  expect(parse(`${minimal}registry: {}\n`).registry).toEqual({ listen: '127.0.0.1:8081', writable: false });
  const folder = tempFolder();
  const registry =
    'codec: { registry: { url: "https://me:hunter2x@r/v7", password: hush-hush, username: me } }';
  writeFileSync(join(folder, 'millrace.yaml'), `${minimal}${registry}\n`);
  const { config, secrets } = loadConfig(undefined, { cwd: folder, env });
  expect(config.codec.registry?.url).toContain('/v7');
  expect(secrets.redact('https://r/v7 refused hunter2x and hush-hush')).toBe(
    'https://r/v7 refused *** and ***',
  );
});

it('reads secrets from files beside the configuration, without their line end', () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'url'), 'postgresql://u@h/d\n');
  writeFileSync(join(folder, 'millrace.yaml'), minimal.replace('env:LEADER_URL', 'file:url'));
  const loaded = loadConfig(undefined, { cwd: folder, env: {} });
  expect(loaded.config.leader.url).toBe('postgresql://u@h/d');
  expect(loaded.folder).toBe(folder);
});

it('looks into the working folder, then the XDG folder, and says where it looked', () => {
  const folder = tempFolder();
  const xdg = join(folder, 'xdg', 'millrace');
  expect(() => findConfig(undefined, { cwd: folder, env: { XDG_CONFIG_HOME: join(folder, 'xdg') } })).toThrow(
    `MR-1002 ConfigNotFound: no configuration at ${join(folder, 'millrace.yaml')} or ${join(xdg, 'millrace.yaml')}`,
  );
  mkdirSync(xdg, { recursive: true });
  writeFileSync(join(xdg, 'millrace.yaml'), minimal);
  const found = findConfig(undefined, { cwd: folder, env: { XDG_CONFIG_HOME: join(folder, 'xdg') } });
  expect(found).toBe(join(xdg, 'millrace.yaml'));
});

it('lets workers share a PostgreSQL follower, and refuses to share a DuckDB file', () => {
  const replica = (mode: string): string =>
    `  replica: { postgres: { url: "${reference}" }, mode: ${mode} }\n`;
  expect(parse(minimal + replica('partitioned')).followers).toMatchObject({
    lake: { mode: 'transactional' },
    replica: { mode: 'partitioned' },
  });
  expect(faultOf(minimal + replica('partitoned')).detail).toContain('mode');
  expect(faultOf(minimal.replace('lake.duckdb }', 'lake.duckdb }, mode: partitioned')).detail).toContain(
    'one process at a time owns a DuckDB file',
  );
});

it('publishes a JSON Schema that is up to date (`millrace schema` prints it)', () => {
  const published = readFileSync(new URL('../../schema/millrace.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published)).toEqual(configJsonSchema());
});

it.each([
  ['a password whose characters should have been encoded', `postgresql://u:hun/ter#2x@h/d`],
  ['a URL of another kind', 'mysql://u:hunter2x@h/d'],
  ['a URL cut by a long line', `postgresql://u:${'x'.repeat(70)}hunter2x@h/d`],
])('shows the place of an error without the password: %s', (_, url) => {
  const fault = faultOf(`pipeline: shop\nleader: { url: "${url}", slto: a }\nfollowers: {}\n`);
  expect(fault.detail).not.toMatch(/ter#?2x/);
  expect(fault.detail).toContain('did you mean "slot"?');
});

it('shows the place of an error without the webhook’s secret and tokens', () => {
  const fault = faultOf(
    `${minimal}monitor: { webhok: { url: "http://u:hunter2x@h/?token=tok3n", secret: pla1n } }\n`,
  );
  expect(fault.detail).not.toMatch(/hunter2x|tok3n|pla1n/);
  expect(fault.detail).toContain('did you mean "webhook"?');
});

it('refuses a budget of a follower that is not there: it would never page', () => {
  const fault = faultOf(`${minimal}monitor: { budgets: [{ follower: laek, warn: 1MB, page: 2MB }] }\n`);
  expect(fault.detail).toContain('there is no follower "laek"; did you mean "lake"?');
});

it('tells the first syntax error alone, and to quote a bare reference', () => {
  const fault = faultOf(minimal.replaceAll('"', ''));
  expect(fault.detail.split('\n').filter((line) => line.startsWith('/etc'))).toEqual([
    expect.stringContaining('quote the reference: "${'),
  ]);
});

it('tells an alias without its anchor, and speaks of mappings and lists', () => {
  expect(faultOf(`${minimal}log: *nowhere\n`).detail).toContain('Unresolved alias');
  const fault = faultOf('pipeline: 5\nleader: { url: [1], tables: public.a }\nfollowers:\n');
  expect(fault.detail).toContain('pipeline: expected text, found a number');
  expect(fault.detail).toContain('leader.tables: expected a list, found text');
  expect(fault.detail).toContain('followers: expected a mapping, found nothing');
});

it('refuses a file that is not UTF-8, and reads one with a byte order mark', () => {
  const folder = tempFolder();
  const file = join(folder, 'millrace.yaml');
  const surroundings = { cwd: folder, env };
  writeFileSync(file, Buffer.from(minimal.replace('shop', 'sh\u00f6p'), 'latin1'));
  expect(() => loadConfig(undefined, surroundings)).toThrow('is not UTF-8');
  writeFileSync(file, `\ufeff${minimal.replaceAll('\n', '\r\n')}`);
  expect(loadConfig(undefined, surroundings).config.pipeline).toBe('shop');
});

it('takes one place for jobs, and hides the passwords of their servers', () => {
  const secrets = new Secrets();
  const withJobs = (jobs: string): string => `${minimal}monitor: { jobs: ${jobs} }\n`;
  expect(parse(minimal).monitor.jobs).toEqual({ in_process: {} });
  expect(parse(withJobs('{ redis: { url: "rediss://h" } }'), secrets).monitor.jobs).toEqual({
    redis: { url: 'rediss://h' },
  });
  expect(faultOf(withJobs('{}')).detail).toContain('exactly one of in_process, redis and postgres');
  expect(faultOf(withJobs('{ in_process: {}, redis: { url: "redis://h" } }')).detail).toContain(
    'exactly one',
  );
  expect(faultOf(withJobs('{ redis: { url: "http://u:hunter2x@h" } }')).detail).toContain(
    'redis://host:6379',
  );
  expect(faultOf(withJobs('{ redis: { url: "http://u:hunter2x@h" } }')).detail).not.toContain('hunter2x');
  expect(faultOf(withJobs('{ redsi: {} }')).detail).toContain('did you mean "redis"?');
  const folder = tempFolder();
  writeFileSync(join(folder, 'millrace.yaml'), withJobs('{ redis: { url: "redis://:p%40ssw0rd@h:6379" } }'));
  const loaded = loadConfig(undefined, { cwd: folder, env });
  expect(loaded.secrets.redact('redis://:p%40ssw0rd@h said p@ssw0rd')).not.toMatch(/ssw0rd/);
});
