import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '@millrace/runtime';

export interface ListenAddress {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** One handler per path; GET and HEAD only. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

/** A client that sends its request slowly, or not at all, is cut off. */
const request_timeout_ms = 5_000;
const connections_max = 100;

/** A listening HTTP server over `routes`. Throws MR-6002 when it cannot listen. */
export async function listen(address: ListenAddress, routes: Routes): Promise<HttpServer> {
  const server = createServer({ requestTimeout: request_timeout_ms }, (request, response) => {
    respond(request, response, routes).catch(() => response.destroy());
  });
  server.maxConnections = connections_max;
  // Malformed requests get Node's own 400; without a listener they would be cut without a word.
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Fault('MR-6002', {
          detail: `cannot listen on ${address.host}:${address.port}: ${cause.code ?? cause.message}`,
          cause,
        }),
      ),
    );
    server.listen(address.port, address.host, resolve);
  });
  return new HttpServer(server);
}

export class HttpServer {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const plain = (status: number, body: string): Answer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
});

async function respond(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const answer = await answerTo(request, routes);
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    ...(answer.status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(request: IncomingMessage, routes: Routes): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] as string;
  if (!Object.hasOwn(routes, path))
    return plain(404, `no such page; try ${Object.keys(routes).join(', ')}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'GET and HEAD only\n');
  try {
    return await (routes[path] as Routes[string])();
  } catch {
    return plain(500, 'this page failed; see the log\n');
  }
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
});

export const text = plain;
