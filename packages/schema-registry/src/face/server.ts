import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SchemaRegistry } from '@millrace/codec';
import { Fault, type Logger, toFault } from '@millrace/runtime';
import type { BasicCredentials } from '../access/basic.js';
import { SchemaBook } from '../schemas/book.js';
import { type Answer, agreeOnAnswer, agreeOnBody, json, refusal } from './answer.js';
import { bodyOf, objectIn, targetOf } from './call.js';
import { authorize } from './credentials.js';
import { RegistryError, storeFailed } from './registry-error.js';
import { allowed, type Method, type Route, route, routeOf } from './routes.js';
import { schemaRoutes } from './schemas.js';
import { settingRoutes } from './settings.js';
import { subjectRoutes } from './subjects.js';

export interface RegistryServerOptions {
  /** What is served: the schemas of a pipeline's log. */
  readonly registry: SchemaRegistry;
  /** `port` 0: a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether outside parties may register schemas. Default false: the registry shows what capture writes. */
  readonly writable?: boolean;
  /** Required of every client but of `/healthz`. Default: none. */
  readonly credentials?: BasicCredentials;
  /** PEM texts. Default: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly logger: Logger;
}

export interface RegistryServer {
  readonly port: number;
  /** Stops at once; requests under way are cut. Idempotent. */
  close(): Promise<void>;
}

/** A client that sends its request slowly, or not at all, is cut off. */
const request_timeout_ms = 15_000;
const connections_max = 200;

const routes: readonly Route[] = [
  route('', { GET: () => json({}) }),
  // Asks for one row: a log that cannot be read is told by 503, whatever the cause.
  route('healthz', { GET: async ({ book }) => json({ subjects: (await book.registrations()).length }) }),
  ...subjectRoutes,
  ...schemaRoutes,
  ...settingRoutes,
];

/**
 * Serves a pipeline's schemas over the part of Confluent's REST interface that its clients use (Schema Registry API Reference).
 * Throws MR-6002 when it cannot listen, MR-5012 when the certificate or its key cannot be used.
 */
export async function serveRegistry(options: RegistryServerOptions): Promise<RegistryServer> {
  const book = new SchemaBook(options.registry);
  const listener: RequestListener = (request, response) => {
    respond(request, response, book, options).catch(() => response.destroy());
  };
  const server = options.tls
    ? tlsServer(options.tls, listener)
    : createServer({ requestTimeout: request_timeout_ms }, listener);
  server.maxConnections = connections_max;
  // Malformed requests get Node's own 400; without a listener they would be cut without a word.
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
  });
  const { host, port } = options.listen;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whoever asks after our health needs no password, so it learns the kind of trouble, not hosts and paths. */
const unwell = ({ code, entry }: Fault): RegistryError => new RegistryError(503, `${code} ${entry.name}`);

const cannotListen = (host: string, port: number, cause: NodeJS.ErrnoException): Fault =>
  new Fault('MR-6002', {
    detail: `the schema registry cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`,
    remedy: 'Choose another `registry.listen` address.',
    cause,
  });

function tlsServer(tls: { readonly cert: string; readonly key: string }, listener: RequestListener) {
  try {
    return createTlsServer({ ...tls, requestTimeout: request_timeout_ms }, listener);
  } catch (cause) {
    throw new Fault('MR-5012', {
      detail: `the certificate of the schema registry cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  book: SchemaBook,
  options: RegistryServerOptions,
): Promise<void> {
  const answer = await answerTo(request, book, options).catch((error: unknown) => {
    if (error instanceof RegistryError) return refusal(error);
    const fault = toFault(error);
    options.logger.error({ code: fault.code, err: fault }, 'the schema registry could not answer');
    return refusal(request.url === '/healthz' ? unwell(fault) : storeFailed());
  });
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    // What was not read of a refused body would be taken for the next request.
    ...(!request.complete && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(
  request: IncomingMessage,
  book: SchemaBook,
  { credentials, writable = false }: RegistryServerOptions,
): Promise<Answer> {
  const { segments, query } = targetOf(request.url ?? '/');
  if (segments[0] !== 'healthz') authorize(request.headers.authorization, credentials);
  const { route: found, params } = routeOf(routes, segments);
  if (request.method === 'OPTIONS') return { status: 204, body: '', headers: { allow: allowed(found) } };
  const handler = found.methods[methodOf(request)];
  if (!handler) throw new RegistryError(405, 'HTTP 405 Method Not Allowed', { allow: allowed(found) });
  agreeOnAnswer(request.headers.accept);
  return handler({
    param: (name) => params.get(name) ?? '',
    query,
    body: async () => {
      agreeOnBody(request.headers['content-type']);
      return objectIn(await bodyOf(request));
    },
    book,
    writable,
  });
}

/** HEAD is a GET whose body is not sent. */
const methodOf = ({ method }: IncomingMessage): Method => (method === 'HEAD' ? 'GET' : (method as Method));
