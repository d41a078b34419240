import { memorySchemaStore, type SchemaRegistry } from '@millrace/codec';
import { silentLogger } from '@millrace/runtime';
import { type RegistryServer, type RegistryServerOptions, serveRegistry } from '../index.js';

/** A registry that is served on a free port, and what its clients see of it. */
export interface Served extends AsyncDisposable {
  readonly registry: SchemaRegistry;
  readonly server: RegistryServer;
  readonly url: string;
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Seen>;
}

export interface Seen {
  readonly status: number;
  /** The parsed JSON, or the text where it is none. */
  readonly body: unknown;
  readonly headers: Headers;
}

export async function serve(options: Partial<RegistryServerOptions> = {}): Promise<Served> {
  const registry = options.registry ?? memorySchemaStore();
  const server = await serveRegistry({
    registry,
    listen: { host: '127.0.0.1', port: 0 },
    logger: silentLogger,
    ...options,
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    registry,
    server,
    url,
    ask: (method, path, body, headers) => ask(`${url}${path}`, method, body, headers),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function ask(
  url: string,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers },
  });
  const text = await response.text();
  return { status: response.status, body: parsed(text), headers: response.headers };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
