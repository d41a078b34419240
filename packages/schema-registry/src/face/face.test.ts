import { schemaIdOf } from '@millrace/codec';
import { describe, expect, it } from 'vitest';
import { type Served, serve } from '../testing/served.js';

/** Expected answers are those of Confluent's REST API reference and Errors.java. */

const first = '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int"}]}';
const second =
  '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","string"],"default":null}]}';
const subject = 'shop.public.items-value';

async function filled(options: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const served = await serve(options);
  await served.registry.register(subject, first);
  await served.registry.register(subject, second);
  await served.registry.register('shop.public.items-key', '"int"');
  await served.registry.register('other/sub ject%-value', first);
  return served;
}

const seen = async (served: Served, method: string, path: string, body?: unknown) => {
  const { status, body: answer } = await served.ask(method, path, body);
  return [status, answer];
};
const error = (code: number, message: RegExp | string) => [
  code > 999 ? Math.trunc(code / 100) : code,
  { error_code: code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
];

describe('reading', () => {
  it('lists subjects, all, by prefix and by page', async () => {
    await using served = await filled();
    const all = ['other/sub ject%-value', 'shop.public.items-key', subject];
    expect(await seen(served, 'GET', '/subjects')).toEqual([200, all]);
    expect(await seen(served, 'GET', '/subjects?subjectPrefix=shop.')).toEqual([200, all.slice(1)]);
    expect(await seen(served, 'GET', '/subjects?offset=1&limit=1')).toEqual([200, [all[1]]]);
    expect(await seen(served, 'GET', '/subjects?deleted=true')).toEqual([200, all]);
    expect(await seen(served, 'GET', '/subjects?deletedOnly=true')).toEqual([200, []]);
    expect(await seen(served, 'GET', '/subjects?limit=x')).toEqual(error(400, /limit/));
  });

  it('gives versions by number, as latest and as −1, with their schemas', async () => {
    await using served = await filled();
    const path = `/subjects/${subject}/versions`;
    const latest = { subject, version: 2, id: schemaIdOf(second), schema: second };
    expect(await seen(served, 'GET', path)).toEqual([200, [1, 2]]);
    expect(await seen(served, 'GET', `${path}/1`)).toEqual([
      200,
      { subject, version: 1, id: schemaIdOf(first), schema: first },
    ]);
    for (const name of ['2', 'latest', '-1'])
      expect(await seen(served, 'GET', `${path}/${name}`), name).toEqual([200, latest]);
    expect(await seen(served, 'GET', `${path}/latest/schema`)).toEqual([200, JSON.parse(second)]);
    expect(await seen(served, 'GET', `${path}/1/referencedby`)).toEqual([200, []]);
  });

  it('reads subjects with any characters from an encoded path', async () => {
    await using served = await filled();
    const path = `/subjects/${encodeURIComponent('other/sub ject%-value')}/versions/latest`;
    expect(await seen(served, 'GET', path)).toMatchObject([200, { subject: 'other/sub ject%-value' }]);
    expect(await seen(served, 'GET', '/subjects/%E0%A4%A/versions')).toEqual(error(400, /percent/));
  });

  it('gives a schema by id, the subjects and versions that use it, and all schemas', async () => {
    await using served = await filled();
    const id = schemaIdOf(first);
    expect(await seen(served, 'GET', `/schemas/ids/${id}`)).toEqual([200, { schema: first }]);
    expect(await seen(served, 'GET', `/schemas/ids/${id}/schema`)).toEqual([200, JSON.parse(first)]);
    expect(await seen(served, 'GET', `/schemas/ids/${id}/subjects`)).toEqual([
      200,
      ['other/sub ject%-value', subject],
    ]);
    expect(await seen(served, 'GET', `/schemas/ids/${id}/versions?subject=${subject}`)).toEqual([
      200,
      [{ subject, version: 1 }],
    ]);
    const [, all] = await seen(served, 'GET', '/schemas?subjectPrefix=shop');
    expect(all).toHaveLength(3);
    expect(await seen(served, 'GET', `/schemas?subjectPrefix=${subject}&latestOnly=true`)).toEqual([
      200,
      [{ subject, version: 2, id: schemaIdOf(second), schema: second }],
    ]);
    expect(await seen(served, 'GET', '/schemas/types')).toEqual([200, ['AVRO']]);
  });

  it('refuses what is not there with Confluent’s codes', async () => {
    await using served = await filled();
    expect(await seen(served, 'GET', '/subjects/nobody/versions')).toEqual(
      error(40401, "Subject 'nobody' not found."),
    );
    expect(await seen(served, 'GET', '/subjects/nobody/versions/1')).toEqual(error(40401, /nobody/));
    expect(await seen(served, 'GET', `/subjects/${subject}/versions/3`)).toEqual(
      error(40402, 'Version 3 not found.'),
    );
    for (const version of ['0', '-2', 'x', '2147483648', '1.5', '99999999999999999999'])
      expect(await seen(served, 'GET', `/subjects/${subject}/versions/${version}`), version).toEqual(
        error(42202, /valid version/),
      );
    expect(await seen(served, 'GET', '/schemas/ids/1')).toEqual(error(40403, 'Schema 1 not found'));
    expect(await seen(served, 'GET', '/schemas/ids/1/subjects')).toEqual(error(40403, /Schema 1/));
    for (const id of ['x', '-1', '2147483648'])
      expect(await seen(served, 'GET', `/schemas/ids/${id}`), id).toEqual(error(404, 'HTTP 404 Not Found'));
    expect(await seen(served, 'GET', '/nothing')).toEqual(error(404, 'HTTP 404 Not Found'));
    expect((await served.ask('PATCH', '/subjects')).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(await seen(served, 'PATCH', '/subjects')).toEqual(error(405, 'HTTP 405 Method Not Allowed'));
  });

  it('looks a schema up under its subject, however its attributes are ordered', async () => {
    await using served = await filled();
    const found = { subject, version: 1, id: schemaIdOf(first), schema: first };
    const reordered = JSON.stringify({
      fields: JSON.parse(first).fields,
      namespace: 'n',
      name: 'R',
      type: 'record',
    });
    expect(await seen(served, 'POST', `/subjects/${subject}`, { schema: first })).toEqual([200, found]);
    expect(
      await seen(served, 'POST', `/subjects/${subject}?normalize=true`, {
        schema: reordered,
        schemaType: 'AVRO',
      }),
    ).toEqual([200, found]);
    expect(await seen(served, 'POST', `/subjects/${subject}`, { schema: '"long"' })).toEqual(
      error(40403, 'Schema not found'),
    );
    expect(await seen(served, 'POST', '/subjects/nobody', { schema: first })).toEqual(error(40401, /nobody/));
  });
});

describe('writing', () => {
  it('is off by default, but for what is there already', async () => {
    await using served = await filled();
    expect(await seen(served, 'POST', `/subjects/${subject}/versions`, { schema: first })).toEqual([
      200,
      { id: schemaIdOf(first) },
    ]);
    expect(await seen(served, 'POST', `/subjects/${subject}/versions`, { schema: '"long"' })).toEqual(
      error(42205, `Subject ${subject} is in read-only mode`),
    );
    expect(await seen(served, 'GET', '/mode')).toEqual([200, { mode: 'READONLY' }]);
    expect(await served.registry.versions(subject)).toHaveLength(2);
  });

  it('registers once and for all where it is allowed', async () => {
    await using served = await filled({ writable: true });
    const path = '/subjects/theirs-value/versions';
    const id = schemaIdOf('"long"');
    expect(await seen(served, 'POST', path, { schema: '"long"' })).toEqual([200, { id }]);
    expect(await seen(served, 'POST', path, { schema: '{"type":"long"}' })).toEqual([200, { id }]);
    expect(await seen(served, 'GET', path)).toEqual([200, [1]]);
    expect(await seen(served, 'GET', '/mode')).toEqual([200, { mode: 'READWRITE' }]);
  });

  it('refuses what is no schema of ours, and to delete anything', async () => {
    await using served = await filled({ writable: true });
    const path = `/subjects/${subject}/versions`;
    for (const body of [
      {},
      { schema: '' },
      { schema: '{' },
      { schema: '{"type":"record","name":"R"}' },
      { schema: first, schemaType: 'PROTOBUF' },
      { schema: first, references: [{ name: 'a', subject: 'b', version: 1 }] },
    ])
      expect(await seen(served, 'POST', path, body), JSON.stringify(body)).toEqual(
        error(42201, /^Invalid schema/),
      );
    expect(await seen(served, 'POST', path, { schema: '"long"', id: 7 })).toEqual(error(42205, /id/));
    expect(await seen(served, 'POST', '/subjects/a%00b/versions', { schema: first })).toEqual(
      error(42208, /subject/),
    );
    expect(await seen(served, 'DELETE', `/subjects/${subject}?permanent=true`)).toEqual(
      error(42205, /never deleted/),
    );
    expect(await seen(served, 'DELETE', `${path}/1`)).toEqual(error(42205, /never deleted/));
    expect(await served.registry.versions(subject)).toHaveLength(2);
  });

  it('refuses bodies that are malformed, too large or of another type', async () => {
    await using served = await filled({ writable: true });
    const path = `/subjects/${subject}/versions`;
    expect(await seen(served, 'POST', path, '{"schema":')).toEqual(error(400, /not JSON/));
    expect(await seen(served, 'POST', path, '["schema"]')).toEqual(error(400, /object/));
    expect(await seen(served, 'POST', path, JSON.stringify({ schema: 'x'.repeat(1_100_000) }))).toEqual(
      error(413, /Too Large/),
    );
    const nested = { schema: `${'['.repeat(100_000)}"int"${']'.repeat(100_000)}` };
    expect(await seen(served, 'POST', path, nested)).toEqual(error(42201, /^Invalid schema/));
    const text = await served.ask('POST', path, 'schema', { 'content-type': 'text/plain' });
    expect([text.status, text.body]).toEqual(error(415, /Unsupported/));
    const html = await served.ask('GET', '/subjects', undefined, { accept: 'text/html' });
    expect([html.status, html.body]).toEqual(error(406, /Acceptable/));
    expect(await seen(served, 'GET', `/${'x'.repeat(9_000)}`)).toEqual(error(414, /Long/));
  });
});

describe('settings', () => {
  it('say that compatibility is NONE, and that nothing else can be kept', async () => {
    await using served = await filled({ writable: true });
    expect(await seen(served, 'GET', '/config')).toEqual([200, { compatibilityLevel: 'NONE' }]);
    expect(await seen(served, 'GET', `/config/${subject}`)).toEqual(error(40408, /compatibility/));
    expect(await seen(served, 'GET', `/config/${subject}?defaultToGlobal=true`)).toEqual([
      200,
      { compatibilityLevel: 'NONE' },
    ]);
    expect(await seen(served, 'PUT', `/config/${subject}`, { compatibility: 'none' })).toEqual([
      200,
      { compatibility: 'NONE' },
    ]);
    expect(await seen(served, 'PUT', '/config', { compatibility: 'FULL' })).toEqual(error(42205, /NONE/));
    expect(await seen(served, 'PUT', '/config', { compatibility: 'SOME' })).toEqual(error(42203, /Invalid/));
    expect(await seen(served, 'PUT', '/mode', { mode: 'IMPORT' })).toEqual(error(42205, /writable/));
    expect(await seen(served, 'GET', `/mode/${subject}`)).toEqual(error(40409, /mode/));
    await using closed = await filled();
    expect(await seen(closed, 'PUT', '/config', { compatibility: 'NONE' })).toEqual(error(42205, /NONE/));
  });

  it('answer compatibility as a registry of level NONE does', async () => {
    await using served = await filled();
    const path = `/compatibility/subjects/${subject}/versions`;
    expect(await seen(served, 'POST', `${path}/latest`, { schema: '"long"' })).toEqual([
      200,
      { is_compatible: true },
    ]);
    expect(await seen(served, 'POST', `${path}/1?verbose=true`, { schema: '"long"' })).toMatchObject([
      200,
      { is_compatible: true, messages: [expect.stringContaining('nothing was compared')] },
    ]);
    expect(await seen(served, 'POST', path, { schema: '"long"' })).toEqual([200, { is_compatible: true }]);
    expect(await seen(served, 'POST', `${path}/9`, { schema: '"long"' })).toEqual(error(40402, /9/));
    expect(await seen(served, 'POST', `${path}/x`, { schema: '"long"' })).toEqual(
      error(42202, /valid version/),
    );
    expect(await seen(served, 'POST', `${path}/1`, { schema: '{' })).toEqual(error(42201, /Invalid/));
  });
});

describe('the server', () => {
  it('answers HEAD without a body and OPTIONS with the methods', async () => {
    await using served = await filled();
    const head = await served.ask('HEAD', '/subjects');
    expect([head.status, head.body]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(2);
    expect(head.headers.get('content-type')).toBe('application/vnd.schemaregistry.v1+json');
    const options = await served.ask('OPTIONS', `/subjects/${subject}/versions`);
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
    expect(await seen(served, 'GET', '/')).toEqual([200, {}]);
  });

  it('lets in who has the password, and anyone to the health page', async () => {
    await using served = await filled({ credentials: { username: 'reader', password: 'pä:ss' } });
    const header = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const without = await served.ask('GET', '/subjects');
    expect([without.status, without.body]).toEqual(error(401, 'Unauthorized'));
    expect(without.headers.get('www-authenticate')).toContain('Basic');
    for (const wrong of ['reader:no', 'other:pä:ss', 'reader', ''])
      expect((await served.ask('GET', '/subjects', undefined, header(wrong))).status, wrong).toBe(401);
    expect((await served.ask('GET', '/subjects', undefined, header('reader:pä:ss'))).status).toBe(200);
    expect((await served.ask('GET', '/healthz')).status).toBe(200);
  });

  it('says 500 and 503, not why, while its log cannot be read', async () => {
    const broken = () => Promise.reject(new Error('secret of the disk'));
    const registry = { get: broken, register: broken, find: broken } as const;
    await using served = await serve({
      registry: { ...registry, subjects: broken, versions: broken, registrations: broken },
    });
    expect(await seen(served, 'GET', '/subjects')).toEqual(error(50001, /see the log/));
    expect(await seen(served, 'GET', '/healthz')).toEqual(error(503, 'MR-9001 InternalError'));
  });

  it('refuses a port that is taken with MR-6002, and closes twice without complaint', async () => {
    await using served = await serve();
    await expect(serve({ listen: { host: '127.0.0.1', port: served.server.port } })).rejects.toThrow(
      /MR-6002.*registry/,
    );
    await served.server.close();
    await expect(served.ask('GET', '/')).rejects.toThrow();
  });
});
