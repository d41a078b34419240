import type { IncomingMessage } from 'node:http';
import { RegistryError } from './registry-error.js';

/** A table of 1,600 columns with long names has a schema below 0.5 MB; a larger body is no schema of ours or anyone's. */
const body_bytes_max = 1024 * 1024;
/** Longer than any subject: topic names end at 249 characters, percent-encoding triples them. */
const path_length_max = 8_192;

/** A request's target, taken apart. */
export interface Target {
  /** Percent-decoded, without empty ones. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Throws 414 and 400 for what cannot be a path. */
export function targetOf(url: string): Target {
  if (url.length > path_length_max) throw new RegistryError(414, 'HTTP 414 URI Too Long');
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  try {
    const segments = path.split('/').filter((part) => part !== '');
    return {
      segments: segments.map(decodeURIComponent),
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    };
  } catch {
    throw new RegistryError(400, 'HTTP 400 Bad Request: the path is not percent-encoded UTF-8');
  }
}

/** The whole body as text. Throws 413 beyond the limit, at once where the length is told, and 400 for what is not UTF-8. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const told = Number(request.headers['content-length'] ?? 0);
  if (told > body_bytes_max) throw tooLarge();
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > body_bytes_max) throw tooLarge();
    parts.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new RegistryError(400, 'HTTP 400 Bad Request: the body is not UTF-8');
  }
}

const tooLarge = (): RegistryError =>
  new RegistryError(413, `HTTP 413 Payload Too Large: at most ${body_bytes_max} bytes`);

/** The body as a JSON object. Throws 400. */
export function objectIn(body: string): Readonly<Record<string, unknown>> {
  const value = parsed(body);
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new RegistryError(400, 'HTTP 400 Bad Request: expected a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new RegistryError(400, 'HTTP 400 Bad Request: the body is not JSON');
  }
}

/** `?deleted=true`; anything else is false, as with Confluent's. */
export const flag = (query: URLSearchParams, name: string): boolean =>
  query.get(name)?.toLowerCase() === 'true';

/** A whole number from the query; `otherwise` when it is not given. Throws 400 when it is none. */
export function count(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (!/^-?\d{1,9}$/.test(text)) throw new RegistryError(400, `HTTP 400 Bad Request: ${name} is no number`);
  return Number(text);
}
