import { RegistryError } from './registry-error.js';

/** The one version of the API that there is. */
export const registryJson = 'application/vnd.schemaregistry.v1+json';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const typed = { 'content-type': registryJson };

export const json = (value: unknown, status = 200): Answer => ({
  status,
  body: JSON.stringify(value),
  headers: typed,
});

/** JSON that is there as text already, a schema. */
export const raw = (body: string): Answer => ({ status: 200, body, headers: typed });

/** The body that Confluent's clients parse: `{error_code, message}`. */
export const refusal = ({ code, status, message, headers }: RegistryError): Answer => ({
  ...json({ error_code: code, message }, status),
  headers: { ...typed, ...headers },
});

/** Types that clients may ask for, and write in: Confluent's, plain JSON, and none at all. */
const spoken = [
  registryJson,
  'application/vnd.schemaregistry+json',
  'application/json',
  'application/octet-stream',
];

/** Throws 406 when the client accepts none of what we can say. */
export function agreeOnAnswer(accept: string | undefined): void {
  if (accept === undefined || accept.trim() === '') return;
  const wanted = accept.split(',').map(mediaType);
  const fits = (type: string): boolean => type === '*/*' || type === 'application/*' || spoken.includes(type);
  if (!wanted.some(fits)) throw new RegistryError(406, 'HTTP 406 Not Acceptable');
}

/** Throws 415 when the body is none of what we can read. */
export function agreeOnBody(contentType: string | undefined): void {
  if (contentType === undefined || spoken.includes(mediaType(contentType))) return;
  throw new RegistryError(415, 'HTTP 415 Unsupported Media Type');
}

const mediaType = (text: string): string => (text.split(';', 1)[0] as string).trim().toLowerCase();
