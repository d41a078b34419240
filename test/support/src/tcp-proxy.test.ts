import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TcpProxy } from './tcp-proxy.js';
import { waitFor } from './wait-for.js';

let echo: Server;
let proxy: TcpProxy;
const clients: Socket[] = [];
let seenByServer = '';

beforeEach(async () => {
  seenByServer = '';
  echo = createServer({ allowHalfOpen: false }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      seenByServer += chunk.toString();
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.stop();
  echo.close();
});

interface Client {
  readonly socket: Socket;
  received: string;
  error: string | undefined;
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1');
  const client: Client = { socket, received: '', error: undefined };
  clients.push(socket);
  socket.on('data', (chunk) => {
    client.received += chunk.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    client.error = error.code;
  });
  await once(socket, 'connect');
  return client;
}

it('carries bytes unchanged and in order', async () => {
  const client = await open();
  for (let n = 0; n < 100; n++) client.socket.write(`${n},`);
  const expected = Array.from({ length: 100 }, (_, n) => `${n},`).join('');
  await waitFor(() => client.received === expected, { what: 'the echo' });
  expect(proxy.bytes).toBe(2 * expected.length);
});

it('keeps the order under latency', async () => {
  const client = await open();
  proxy.latency_ms = 20;
  client.socket.write('a');
  await sleep(5);
  proxy.latency_ms = 1;
  client.socket.write('b');
  await waitFor(() => client.received.length === 2, { what: 'both' });
  expect(client.received).toBe('ab');
});

it('half open: the server hears and answers, the client never learns', async () => {
  const client = await open();
  proxy.hold('toClient');
  client.socket.write('request');
  await waitFor(() => seenByServer === 'request', { what: 'the request at the server' });
  await sleep(30);
  expect(client.received).toBe('');
  proxy.release('toClient');
  await waitFor(() => client.received === 'request', { what: 'the answer' });
});

it('lost response: it never arrives, later ones do', async () => {
  const client = await open();
  proxy.drop('toClient');
  client.socket.write('lost');
  await waitFor(() => seenByServer === 'lost', { what: 'the request at the server' });
  await sleep(30);
  proxy.undrop('toClient');
  client.socket.write('found');
  await waitFor(() => client.received !== '', { what: 'an answer' });
  expect(client.received).toBe('found');
});

it('black hole: the sender blocks once the window is full, and everything arrives in the end', async () => {
  const client = await open();
  proxy.hold('toServer', 'toClient');
  const chunk = 'x'.repeat(1024 * 1024);
  const total = 24;
  for (let n = 0; n < total; n++) client.socket.write(chunk);
  await sleep(100);
  expect(client.socket.writableLength).toBeGreaterThan(0);
  expect(seenByServer).toBe('');
  proxy.release('toServer', 'toClient');
  await waitFor(() => client.received.length === total * chunk.length, { what: 'the echo' });
});

it('an orderly end passes through after the bytes before it', async () => {
  const client = await open();
  proxy.latency_ms = 20;
  client.socket.end('last words');
  await once(client.socket, 'close');
  expect(client.received).toBe('last words');
  await waitFor(() => proxy.connections === 0, { what: 'no connection left' });
});

it('cut: open connections are reset, new ones work', async () => {
  const first = await open();
  await waitFor(() => proxy.connections === 1, { what: 'the connection' });
  proxy.cut();
  await waitFor(() => first.error === 'ECONNRESET', { what: 'the reset' });
  const second = await open();
  second.socket.write('again');
  await waitFor(() => second.received === 'again', { what: 'the echo' });
});

it('refuse: new connections end before a byte passes', async () => {
  proxy.refuse = true;
  await expect(
    open().then(async (client) => {
      client.socket.write('hello');
      await once(client.socket, 'data');
    }),
  ).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(seenByServer).toBe('');
});
