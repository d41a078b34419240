import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificate, privateKey } from './localhost-certificate.js';

export interface ScriptedReply {
  readonly status?: number;
  /** Sent as JSON; a string as it stands. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly line: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** A registry that answers what a test says, and remembers what it was asked. */
export interface ScriptedRegistry extends AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[];
}

/** `answer` gets the request line (`POST /subjects/s/versions`) and how many requests came before. `hang`: never answered. */
export async function scripted(
  answer: (line: string, before: number) => ScriptedReply | 'hang',
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<ScriptedRegistry> {
  const seen: SeenRequest[] = [];
  const server = tls ? createTlsServer({ cert: certificate, key: privateKey }) : createServer();
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = `${request.method} ${request.url}`;
    const text = await bodyOf(request);
    seen.push({
      line,
      body: text === '' ? undefined : JSON.parse(text),
      authorization: request.headers.authorization,
    });
    const reply = answer(line, seen.length - 1);
    if (reply === 'hang') return;
    const { status = 200, body = {}, headers = {} } = reply;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
