import type { SchemaBook } from '../schemas/book.js';
import type { Answer } from './answer.js';
import { RegistryError } from './registry-error.js';

/** What a handler works with. */
export interface Call {
  /** The variable segments of the path, decoded. */
  readonly param: (name: string) => string;
  readonly query: URLSearchParams;
  /** Reads the body; only once. Throws 4xx for what is no JSON object. */
  readonly body: () => Promise<Readonly<Record<string, unknown>>>;
  readonly book: SchemaBook;
  /** Whether outside parties may register schemas. */
  readonly writable: boolean;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Route {
  readonly pattern: readonly string[];
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
}

/** `subjects/:subject/versions`: a segment that begins with a colon takes any text. */
export const route = (pattern: string, methods: Route['methods']): Route => ({
  pattern: pattern.split('/').filter((part) => part !== ''),
  methods,
});

export interface Match {
  readonly route: Route;
  readonly params: ReadonlyMap<string, string>;
}

/** The route of a path. Throws 404. */
export function routeOf(routes: readonly Route[], segments: readonly string[]): Match {
  for (const candidate of routes) {
    const params = paramsOf(candidate.pattern, segments);
    if (params) return { route: candidate, params };
  }
  throw new RegistryError(404, 'HTTP 404 Not Found');
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Map<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i] as string;
    if (part.startsWith(':')) params.set(part.slice(1), segment);
    else if (part !== segment) return undefined;
  }
  return params;
}

/** What OPTIONS and a 405 name. */
export function allowed({ methods }: Route): string {
  const names = Object.keys(methods);
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ');
}
