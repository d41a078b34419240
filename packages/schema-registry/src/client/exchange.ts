import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { JointSignal } from '@millrace/runtime';
import { basicHeader } from '../access/basic.js';
import { credentialsOf, type RegistryEndpoint } from './endpoint.js';

/** What a registry answered. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface Request {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** From connecting to the last byte. */
const answer_ms_max = 10_000;
const body_chars_max = 16 * 1024 * 1024;

/** One request, one answer, never a redirect. Certificates are verified. Rejects with Node's own error when none comes. */
export async function exchange(
  endpoint: RegistryEndpoint,
  { url, method, body, signal }: Request,
): Promise<Reply> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const credentials = credentialsOf(endpoint);
  const deadline = AbortSignal.timeout(answer_ms_max);
  using either = new JointSignal(signal, deadline);
  const options: RequestOptions = {
    method,
    // Requests are one per table version: a connection kept for the next one would only be found dead.
    agent: false,
    signal: either.signal,
    headers: {
      accept: 'application/vnd.schemaregistry.v1+json, application/json;q=0.9',
      ...(text !== undefined && {
        'content-type': 'application/vnd.schemaregistry.v1+json',
        'content-length': Buffer.byteLength(text),
      }),
      ...(credentials && { authorization: basicHeader(credentials) }),
    },
  };
  const { ca, cert, key } = endpoint;
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return await new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
    request
      .once('response', (response) => {
        read(response).then(resolve, reject);
      })
      .once('error', (error) =>
        reject(deadline.aborted ? new Error(`no answer within ${answer_ms_max / 1000} s`) : error),
      )
      .end(text);
  });
}

async function read(response: IncomingMessage): Promise<Reply> {
  response.setEncoding('utf8');
  let body = '';
  for await (const part of response as AsyncIterable<string>) {
    body += part;
    if (body.length > body_chars_max) throw new Error(`an answer of more than ${body_chars_max} characters`);
  }
  return { status: response.statusCode ?? 0, body };
}
