import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessRedis } from './given.js';
import { isFit } from './program.js';
import { RedisServer, startRedis } from './server.js';

/** What the server answers to commands, sent as a person would type them; '' when it closes first. */
function ask(url: string, ...commands: readonly string[]): Promise<string> {
  const { hostname, port, password } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    const lines = [...(password ? [`AUTH ${password}`] : []), ...commands, 'QUIT'];
    socket.write(lines.map((line) => `${line}\r\n`).join(''));
  });
}

describe('a local Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ settings: { maxmemory: '50mb' } });
  });
  afterAll(() => server.remove());

  it('is new enough for queues, evicts nothing and takes settings', async () => {
    expect(await ask(server.url, 'CONFIG GET maxmemory-policy')).toContain('noeviction');
    expect(await ask(server.url, 'CONFIG GET maxmemory')).toContain(String(50 * 1024 * 1024));
  });

  it('lets nobody in without its password', async () => {
    const open = new URL(server.url);
    open.password = '';
    expect(await ask(open.href, 'GET x')).toContain('NOAUTH');
  });

  it('keeps through SIGKILL what it acknowledged, and comes back on its port', async () => {
    expect(await ask(server.url, 'SET kept yes')).toMatch(/\+OK\r\n\+OK/);
    const { port } = server;
    await server.kill9();
    expect(server.running).toBe(false);
    await expect(ask(server.url, 'PING')).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    expect(server.port).toBe(port);
    expect(await ask(server.url, 'GET kept')).toContain('yes');
  });

  it('answers nobody while paused, and goes on afterwards', async () => {
    server.pause();
    const answer = ask(server.url, 'PING');
    expect(await Promise.race([answer, sleep(200, 'silence')])).toBe('silence');
    server.resume();
    expect(await answer).toContain('PONG');
  });
});

it('a server that is given is used and never ended', async () => {
  await using given = await accessRedis({ MILLRACE_REDIS_URL: 'redis://elsewhere:6379' });
  expect(given.url).toBe('redis://elsewhere:6379');
  expect(given).not.toBeInstanceOf(RedisServer);
});

it.each([
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1', true],
  ['Redis server v=6.2.0 sha=0', true],
  ['Redis server v=6.0.16 sha=0', false],
  ['Redis server v=10.0.0', true],
  ['', false],
])('%j is fit: %s', (text, fit) => {
  expect(isFit(text)).toBe(fit);
});
