import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@millrace/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PageFields } from '../pages/page.js';
import type { Notification } from './notifier.js';
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
const unhurried = new AbortController().signal;

beforeEach(async () => {
  received = [];
  answers = [];
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
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function makeWebhook(secrets: readonly string[], timeout_ms = 500, credentials = ''): Webhook {
  const { port } = server.address() as AddressInfo;
  return new Webhook({
    url: `http://${credentials}127.0.0.1:${port}/hook`,
    secrets,
    clock: systemClock,
    timeout_ms,
  });
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
  expect(await makeWebhook([secret]).attempt(page('a'), unhurried)).toEqual({ result: 'sent', reason: '' });
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
  await makeWebhook([secret, retired]).attempt(page('a'), unhurried);
  expect((received[0] as Received).headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
});

it('may work later after an error of the receiver, and keeps its id', async () => {
  answers = [500, 429, 204];
  const hook = makeWebhook([secret]);
  const results: string[] = [];
  for (let attempt = 0; attempt < 3; attempt++)
    results.push((await hook.attempt(page('a'), unhurried)).result);
  expect(results).toEqual(['retry', 'retry', 'sent']);
  expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['a/1/page']));
});

it('does not follow redirects', async () => {
  answers = [302];
  const { result, reason } = await makeWebhook([secret]).attempt(page('a'), unhurried);
  expect([result, reason]).toEqual(['retry', 'the receiver answered 302 (redirects are not followed)']);
  expect(received.map(({ path }) => path)).toEqual(['/hook']);
});

it('is turned off by 410 Gone', async () => {
  answers = [410];
  const hook = makeWebhook([secret]);
  expect(hook.disabled).toBe(false);
  expect((await hook.attempt(page('a'), unhurried)).result).toBe('disabled');
  expect(hook.disabled).toBe(true);
});

it('gives up an attempt that takes too long, or that nobody waits for any more', async () => {
  server.removeAllListeners('request').on('request', () => undefined);
  const began = performance.now();
  expect((await makeWebhook([secret], 50).attempt(page('a'), unhurried)).result).toBe('retry');
  const aborted = AbortSignal.timeout(50);
  expect((await makeWebhook([secret], 10_000).attempt(page('a'), aborted)).result).toBe('retry');
  expect(performance.now() - began).toBeLessThan(2_000);
});

it('keeps a body under 20 kB, whatever a fault had to say', async () => {
  await makeWebhook([secret]).attempt(page('a', 'page', 'x'.repeat(50_000)), unhurried);
  expect(Buffer.byteLength((received[0] as Received).body)).toBeLessThan(20_000);
});

it.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'plain', `whsec_${Buffer.alloc(65).toString('base64')}`])(
  'refuses the secret %j without repeating it',
  (bad) => {
    expect(() => makeWebhook([bad])).toThrow(/MR-1003/);
  },
);

it('sends user and password of the URL as Basic authentication', async () => {
  const sent = await makeWebhook([secret], 500, 'pager:p%40ss@').attempt(page('a/b', 'page'), unhurried);
  expect(sent.result).toBe('sent');
  const { headers, path } = received[0] as Received;
  expect(headers.authorization).toBe(`Basic ${Buffer.from('pager:p@ss').toString('base64')}`);
  expect(path).toBe('/hook');
});

it.each(['pa%ger:secret@', 'pager:50%secret@', 'pager:secret%ff@'])(
  'refuses the user and password %j of a URL, naming the setting and not repeating them',
  (credentials) => {
    expect(() => makeWebhook([], 500, credentials)).toThrow(
      /^MR-1003 [^:]*: (?!.*secret).*`monitor.webhook.url`/,
    );
  },
);
