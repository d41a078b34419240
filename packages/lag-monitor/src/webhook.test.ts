import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger, systemClock } from '@millrace/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DeliveryResult, Notification } from './notifier.js';
import type { PageFields } from './page.js';
import { Webhook } from './webhook.js';

const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const retired = `whsec_${Buffer.from('fedcba9876543210fedcba9876543210').toString('base64')}`;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly path: string;
  readonly body: string;
}

let server: Server;
let received: Received[];
let answers: number[];
let results: DeliveryResult[];
let webhook: Webhook | undefined;

beforeEach(async () => {
  received = [];
  answers = [];
  results = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, path: request.url ?? '', body });
      response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await webhook?.close(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function makeWebhook(secrets: readonly string[], timeout_ms = 500, credentials = ''): Webhook {
  webhook = new Webhook({
    url: `http://${credentials}127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    secrets,
    clock: systemClock,
    logger: silentLogger,
    random: () => 0,
    backoff: { first_ms: 20, max_ms: 40, factor: 2 },
    timeout_ms,
    onResult: (result) => results.push(result),
  });
  return webhook;
}

const page = (key: string, type: 'page' | 'resolve' = 'page', text = 'behind'): Notification => ({
  id: `${key}/1/${type}`,
  fields: {
    type,
    dedup_key: key,
    sampled_at: '2026-01-05T02:11:40.000Z',
    text,
    cause_evidence: null,
  } as PageFields,
});

it('signs id, time and body so that a receiver with the secret can verify them', async () => {
  expect(await makeWebhook([secret]).notify(page('a'))).toBe('sent');
  const { headers, body } = received[0] as Received;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  expect(headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
  );
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(5);
  expect(JSON.parse(body)).toMatchObject({ type: 'millrace.lag.page', data: { dedup_key: 'a' } });
});

it('signs with every secret while they are rotated', async () => {
  await makeWebhook([secret, retired]).notify(page('a'));
  expect((received[0] as Received).headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
});

it('repeats under the same id until the receiver has it', async () => {
  answers = [500, 503, 204];
  expect(await makeWebhook([secret]).notify(page('a'))).toBe('sent');
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(['a/1/page', 'a/1/page', 'a/1/page']);
  expect(results).toEqual(['retry', 'retry', 'sent']);
});

it('does not follow redirects', async () => {
  answers = [302, 204];
  await makeWebhook([secret]).notify(page('a'));
  expect(received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
});

it('is turned off by 410 Gone', async () => {
  answers = [410];
  const hook = makeWebhook([secret]);
  expect(await hook.notify(page('a'))).toBe('given-up');
  expect(await hook.notify(page('b'))).toBe('given-up');
  expect(received.length).toBe(1);
});

it('never lets a resolve overtake its page, nor one alert hold up another', async () => {
  answers = [500];
  const hook = makeWebhook([secret]);
  const first = hook.notify(page('a'));
  await new Promise((resolve) => setTimeout(resolve, 10));
  await Promise.all([first, hook.notify(page('a', 'resolve')), hook.notify(page('b'))]);
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([
    'a/1/page',
    'b/1/page',
    'a/1/page',
    'a/1/resolve',
  ]);
});

it('keeps a body under 20 kB, whatever a fault had to say', async () => {
  await makeWebhook([secret]).notify(page('a', 'page', 'x'.repeat(50_000)));
  expect(Buffer.byteLength((received[0] as Received).body)).toBeLessThan(20_000);
});

it('still owes what it could not deliver before it was closed', async () => {
  answers = Array.from({ length: 100 }, () => 500);
  const hook = makeWebhook([secret]);
  const end = hook.notify(page('a'));
  await hook.close(10);
  expect(await end).toBe('owed');
});

it.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'plain', `whsec_${Buffer.alloc(65).toString('base64')}`])(
  'refuses the secret %j without repeating it',
  (bad) => {
    expect(() => makeWebhook([bad])).toThrow(/MR-1003/);
  },
);

it('sends user and password of the URL as Basic authentication', async () => {
  const sent = await makeWebhook([secret], 500, 'pager:p%40ss@').notify(page('a/b', 'page'));
  expect(sent).toBe('sent');
  const { headers, path } = received[0] as Received;
  expect(headers.authorization).toBe(`Basic ${Buffer.from('pager:p@ss').toString('base64')}`);
  expect(path).toBe('/hook');
});
