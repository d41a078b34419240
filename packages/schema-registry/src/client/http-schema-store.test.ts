import { createServer } from 'node:net';
import type { SchemaStore } from '@millrace/codec';
import { type Fault, isFault, systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { type HttpSchemaStoreOptions, httpSchemaStore } from '../index.js';
import { certificate } from '../testing/localhost-certificate.js';
import { type ScriptedReply, scripted } from '../testing/scripted-registry.js';
import { serve } from '../testing/served.js';

const schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}';
const subject = 'shop.public.items-value';
const patience_ms = 150;

const storeOf = (url: string, more: Partial<HttpSchemaStoreOptions> = {}): SchemaStore =>
  httpSchemaStore({ url, patience_ms, clock: systemClock, random: () => 0, ...more });

/** Answers as Confluent's reference shows them. */
const accepted = (line: string): ScriptedReply =>
  line.startsWith('GET') ? { body: { schema } } : { body: { id: 42 } };

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isFault(error)) throw new Error(`no fault, but ${String(error)}`);
  return error;
}

describe('a store over an external registry', () => {
  it('registers, finds and reads through a registry’s REST interface', async () => {
    await using served = await serve({ writable: true });
    const writer = storeOf(`${served.url}/`);
    expect(await writer.find(subject, schema)).toBeUndefined();
    const id = await writer.register(subject, schema);
    expect(await served.registry.versions(subject)).toEqual([{ version: 1, id }]);
    const reader = storeOf(served.url);
    expect(await reader.find(subject, schema)).toBe(id);
    expect(await reader.find('other', schema)).toBeUndefined();
    expect(await reader.get(id)).toBe(schema);
    expect(await reader.get(id - 1)).toBeUndefined();
  });

  it('asks for the same thing once, also at the same time, and proves what it was given', async () => {
    await using registry = await scripted(accepted);
    const store = storeOf(`${registry.url}/apis/ccompat/v7/`);
    const name = 'a/b %-value';
    expect(await Promise.all([store.register(name, schema), store.register(name, schema)])).toEqual([42, 42]);
    expect(await store.find(name, schema)).toBe(42);
    expect(await store.get(42)).toBe(schema);
    expect(registry.seen.map(({ line }) => line)).toEqual([
      'POST /apis/ccompat/v7/subjects/a%2Fb%20%25-value/versions',
      'GET /apis/ccompat/v7/schemas/ids/42',
    ]);
    // Old registries refuse fields that they do not know; Avro is what no type means.
    expect(registry.seen[0]?.body).toEqual({ schema });
  });

  it('finds versions that were deleted softly, and remembers no absence', async () => {
    await using registry = await scripted((_, before) =>
      before === 0
        ? { status: 404, body: { error_code: 40403, message: 'Schema not found' } }
        : { body: { id: 5 } },
    );
    const store = storeOf(registry.url);
    expect(await store.find(subject, schema)).toBeUndefined();
    expect(await store.find(subject, schema)).toBe(5);
    expect(registry.seen[0]?.line).toBe(`POST /subjects/${subject}?deleted=true`);
  });
});

describe('waiting', () => {
  it('lasts while the registry cannot serve, is told with its cause, and ends by itself', async () => {
    await using registry = await scripted((line, before) =>
      before < 3 ? { status: [503, 500, 429][before] ?? 500, body: { message: 'not yet' } } : accepted(line),
    );
    const waits: (string | undefined)[] = [];
    const store = storeOf(registry.url, {
      patience_ms: 5_000,
      onWait: (fault) => waits.push(fault?.detail),
    });
    expect(await store.register(subject, schema)).toBe(42);
    expect(waits).toHaveLength(4);
    expect(waits[0]).toMatch(
      new RegExp(`registering the schema of ${subject}: http.* answered 503: not yet`),
    );
    expect(waits[3]).toBeUndefined();
  });

  it('ends with MR-5005 when patience does, and the next call asks again', async () => {
    let down = true;
    await using registry = await scripted((line) => (down ? { status: 503 } : accepted(line)));
    const store = storeOf(registry.url, { patience_ms: 1_500 });
    expect(await faultOf(store.register(subject, schema))).toMatchObject({ code: 'MR-5005' });
    expect(registry.seen.length).toBeGreaterThan(1);
    down = false;
    expect(await store.register(subject, schema)).toBe(42);
  });

  it('outlives a registry that is not there at all', async () => {
    const url = await closedUrl();
    const fault = await faultOf(storeOf(url).register(subject, schema));
    expect(fault).toMatchObject({ code: 'MR-5005', entry: { policy: 'backoff' } });
    expect(fault.detail).toContain('ECONNREFUSED');
  });

  it('ends at once when it is told to stop, also within a request', async () => {
    const stop = new AbortController();
    await using registry = await scripted(() => 'hang');
    const registering = faultOf(
      storeOf(registry.url, { patience_ms: 60_000, signal: stop.signal }).register(subject, schema),
    );
    setTimeout(() => stop.abort(), 50);
    expect((await registering).code).toBe('MR-5005');
  });
});

describe('what a registry refuses', () => {
  const incompatible = {
    error_code: 409,
    message: `Schema being registered is incompatible with an earlier schema for subject "${subject}"`,
  };

  it.each([
    [409, incompatible, 'MR-5007', /409: Schema being registered is incompatible/],
    [422, { error_code: 42201, message: 'Input schema is an invalid Avro schema' }, 'MR-5008', /42201/],
    [422, { error_code: 42205, message: 'Subject s is in read-only mode' }, 'MR-5008', /read-only mode/],
  ])('is said at once and waits for an operator: %i', async (status, body, code, detail) => {
    await using registry = await scripted(() => ({ status, body }));
    const fault = await faultOf(storeOf(registry.url).register(subject, schema));
    expect(fault).toMatchObject({ code, detail: expect.stringMatching(detail), entry: { policy: 'stop' } });
    expect(registry.seen).toHaveLength(1);
  });

  it('names the command that lets a subject change', async () => {
    await using registry = await scripted(() => ({ status: 409, body: incompatible }));
    const fault = await faultOf(storeOf(registry.url).register(subject, schema));
    expect(fault.remedy).toContain(`${registry.url}/config/${subject}`);
    expect(fault.remedy).toContain('{"compatibility":"NONE"}');
  });

  it.each([
    [401, 'MR-5006'],
    [403, 'MR-5006'],
    [404, 'MR-5009'],
    [405, 'MR-5009'],
    [302, 'MR-5009'],
    [502, 'MR-5005'],
  ])('heals with time or a correction: %i', async (status, code) => {
    await using registry = await scripted(() => ({
      status,
      body: '<html>',
      headers: { location: '/elsewhere' },
    }));
    const fault = await faultOf(storeOf(registry.url).register(subject, schema));
    expect(fault).toMatchObject({ code, entry: { policy: 'backoff' } });
    expect(registry.seen.every(({ line }) => line.startsWith('POST /subjects/'))).toBe(true);
  });

  it.each([['<html>hello'], [{}], [{ id: 0 }], [{ id: '7' }], [{ id: 2 ** 31 }], [{ id: 1.5 }], [[1]]])(
    'is no registry when it answers a registration with %j',
    async (body) => {
      await using registry = await scripted(() => ({ body }));
      expect((await faultOf(storeOf(registry.url).register(subject, schema))).code).toBe('MR-5009');
    },
  );

  it('cannot be used when another schema stands under the id it gave', async () => {
    for (const held of ['{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}', '{']) {
      await using registry = await scripted((line) => ({
        body: line.startsWith('POST') ? { id: 42 } : { schema: held },
      }));
      const fault = await faultOf(storeOf(registry.url).register(subject, schema));
      expect(fault).toMatchObject({ code: 'MR-5011', entry: { policy: 'stop' } });
    }
  });

  it('is waited for when the node asked does not show the new schema yet', async () => {
    await using registry = await scripted((line, before) =>
      line.startsWith('GET') && before < 3
        ? { status: 404, body: { error_code: 40403, message: 'Schema 42 not found' } }
        : accepted(line),
    );
    expect(await storeOf(registry.url, { patience_ms: 5_000 }).register(subject, schema)).toBe(42);
    expect(registry.seen.map(({ line }) => line.split(' ')[0])).toEqual(['POST', 'GET', 'GET', 'GET']);
  });

  it('may write the schema in its own order, as Java’s parser does', async () => {
    const theirs = '{"fields":[{"type":{"type":"long"},"name":"a"}],"name":"R","type":"record"}';
    await using registry = await scripted((line) =>
      line.startsWith('GET') ? { body: { schema: theirs } } : { body: { id: 42 } },
    );
    expect(await storeOf(registry.url).register(subject, schema)).toBe(42);
  });
});

describe('secrets and certificates', () => {
  it('sends credentials from the options or the URL, and shows them to nobody', async () => {
    await using registry = await scripted(() => ({
      status: 401,
      body: { error_code: 401, message: 'Unauthorized' },
    }));
    const inUrl = registry.url.replace('http://', 'http://me:s%C3%A4cret-word@');
    const credentials = { username: 'you', password: 'other-secret' };
    for (const store of [storeOf(inUrl), storeOf(registry.url, { credentials })]) {
      const fault = await faultOf(store.register(subject, schema));
      const shown = JSON.stringify([
        fault.message,
        fault.remedy,
        fault.context,
        fault.stack,
        String(fault.cause),
      ]);
      expect(shown).toContain(registry.url);
      expect(shown).not.toMatch(/cret|me:|you/);
    }
    const sent = registry.seen.map(({ authorization = '' }) =>
      Buffer.from(authorization.slice(6), 'base64').toString(),
    );
    expect(new Set(sent)).toEqual(new Set(['me:säcret-word', 'you:other-secret']));
  });

  it('trusts only certificates that it can verify, for the host they were made for', async () => {
    await using registry = await scripted(accepted, { tls: true });
    expect((await faultOf(storeOf(registry.url).register(subject, schema))).code).toBe('MR-5010');
    expect(await storeOf(registry.url, { ca: certificate }).register(subject, schema)).toBe(42);
    const byAddress = registry.url.replace('localhost', '127.0.0.1');
    const fault = await faultOf(storeOf(byAddress, { ca: certificate }).register(subject, schema));
    expect(fault).toMatchObject({ code: 'MR-5010', entry: { policy: 'backoff' } });
    expect(registry.seen).toHaveLength(2);
  });

  it('says so when a port speaks no TLS', async () => {
    await using registry = await scripted(accepted);
    const url = registry.url.replace('http:', 'https:');
    expect((await faultOf(storeOf(url).register(subject, schema))).code).toBe('MR-5010');
  });
});

/** Of a port that was free a moment ago. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
