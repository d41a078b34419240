import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tempFolder } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { run } from './command-line.sample.js';
import { parseConfig } from './config/load.js';
import { Secrets } from './config/secrets.js';

const unreachable = 'postgresql://u:hunter2secret@127.0.0.1:1/shop';

function folderWith(config: string): string {
  const folder = tempFolder();
  writeFileSync(join(folder, 'millrace.yaml'), config);
  return folder;
}

const config = (leader: string): string =>
  `pipeline: shop\nleader: { url: "${leader}" }\nfollowers:\n  lake: { duckdb: { path: ./lake.duckdb } }\n`;

it.each([
  { line: 'frobnicate', code: 64, err: "unknown command 'frobnicate'" },
  { line: 'statsu', code: 64, err: 'Did you mean status?' },
  { line: 'check --colour', code: 64, err: "unknown option '--colour'" },
  { line: 'apply', code: 64, err: "missing required argument 'follower'" },
  { line: '--log-level loud up', code: 64, err: 'Allowed choices' },
  { line: 'explain MR-9999', code: 64, err: 'MR-1001' },
  { line: 'demo --rows many', code: 64, err: 'expected a whole number' },
  { line: 'up', code: 78, err: 'MR-1002' },
  { line: 'status --config nowhere.yaml', code: 78, err: 'nowhere.yaml' },
])('ends `millrace $line` with exit code $code and says why on stderr', async ({ line, code, err }) => {
  const ended = await run(line.split(' '), tempFolder());
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(err);
});

it('explains a fault offline on stdout, for people and for machines', async () => {
  const folder = tempFolder();
  const people = await run(['explain', 'mr-2006'], folder);
  expect(people).toMatchObject({ code: 0, err: '' });
  expect(people.out).toContain('MR-2006 SlotAhead');
  const machine = await run(['explain', 'SlotAhead', '--json'], folder);
  expect(JSON.parse(machine.out)).toMatchObject({ code: 'MR-2006', name: 'SlotAhead', exit: 65 });
});

it('shows the place of a configuration error and ends with 78', async () => {
  const folder = folderWith(`${config(unreachable)}monitr: {}\n`);
  const ended = await run(['check'], folder);
  expect(ended.code).toBe(78);
  expect(ended.err).toContain(
    `${join(folder, 'millrace.yaml')}:5:1: unknown key "monitr"; did you mean "monitor"?`,
  );
  expect(ended.err).toContain('    | ^^^^^^');
});

it('ends with 69 and one clear message when the leader cannot be reached, without its password', async () => {
  const ended = await run(['check'], folderWith(config(unreachable)));
  expect(ended.code).toBe(69);
  expect(ended.err).toContain('MR-2001 LeaderUnavailable');
  expect(ended.err).toContain('ECONNREFUSED');
  expect(ended.err).not.toContain('hunter2secret');
  expect(ended.err).not.toContain('    at ');
});

it('tells machines about a failure too, on stdout', async () => {
  const ended = await run(['check', '--json'], folderWith(config(unreachable)));
  expect(ended.code).toBe(69);
  expect(JSON.parse(ended.out)).toMatchObject({ error: { code: 'MR-2001' } });
});

it('names the followers there are when one is misspelled', async () => {
  const ended = await run(['apply', 'laek'], folderWith(config(unreachable)));
  expect(ended.code).toBe(64);
  expect(ended.err).toContain('there is no follower "laek"; did you mean "lake"?');
});

it('never asks without a terminal: init writes a valid file from its flags, and never overwrites', async () => {
  const folder = tempFolder();
  const args = [
    'init',
    '--pipeline',
    'web',
    '--leader',
    'postgresql://me@db/web',
    '--replica',
    'postgresql://r/x',
  ];
  const first = await run(args, folder);
  expect(first).toMatchObject({ code: 0, out: '' });
  const file = join(folder, 'millrace.yaml');
  const text = readFileSync(file, 'utf8');
  expect(text.split('\n')[0]).toMatch(/^# yaml-language-server: \$schema=https:/);
  const written = parseConfig(text, file, {}, new Secrets());
  expect(written.pipeline).toBe('web');
  expect(Object.keys(written.followers)).toEqual(['replica', 'lake']);
  const second = await run(args, folder);
  expect(second.code).toBe(64);
  expect(second.err).toContain('never overwrites');
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it('writes a Kafka log when init is given brokers', async () => {
  const folder = tempFolder();
  await run(['init', '--kafka', 'kafka-1:9092, kafka-2:9092'], folder);
  const file = join(folder, 'millrace.yaml');
  const env = { LEADER_URL: 'postgresql://db/web' };
  const { log } = parseConfig(readFileSync(file, 'utf8'), file, env, new Secrets());
  expect(log.kafka?.brokers).toEqual(['kafka-1:9092', 'kafka-2:9092']);
});

it('refuses flags of init that no configuration could hold, and writes nothing', async () => {
  const folder = tempFolder();
  const ended = await run(['init', '--leader', 'mysql://db/web'], folder);
  expect(ended.code).toBe(78);
  expect(ended.err).toContain('leader.url: expected a URL such as "postgresql://');
  expect(() => readFileSync(join(folder, 'millrace.yaml'))).toThrow('ENOENT');
});

it('ends quietly when its reader has seen enough', async () => {
  const script = `"$0" "$1" explain all 2>err | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}" >code`;
  const folder = tempFolder();
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  await promisify(execFile)('bash', ['-c', script, process.execPath, bin], { cwd: folder });
  expect(readFileSync(join(folder, 'err'), 'utf8')).toBe('');
  expect(readFileSync(join(folder, 'code'), 'utf8')).toBe('0\n');
});
