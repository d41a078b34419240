import { memorySchemaStore } from '@millrace/codec';
import { silentLogger, systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { httpSchemaStore, serveRegistry } from './index.js';
import { certificate, privateKey } from './testing/localhost-certificate.js';

const common = {
  registry: memorySchemaStore(),
  listen: { host: '127.0.0.1', port: 0 },
  logger: silentLogger,
};

it('our registry speaks TLS with a password, and our client is let in by it', async () => {
  const credentials = { username: 'capture', password: 'pass-w0rd' };
  const tls = { cert: certificate, key: privateKey };
  const server = await serveRegistry({ ...common, tls, credentials, writable: true });
  try {
    const url = `https://localhost:${server.port}`;
    const waiting = { patience_ms: 0, clock: systemClock, random: () => 0 };
    const store = httpSchemaStore({ ...waiting, url, ca: certificate, credentials });
    const id = await store.register('s', '"int"');
    expect(await common.registry.get(id)).toBe('"int"');
    const stranger = httpSchemaStore({ ...waiting, url, ca: certificate });
    await expect(stranger.find('s', '"int"')).rejects.toThrow(/MR-5006/);
  } finally {
    await server.close();
  }
});

it('a certificate that cannot be used is MR-5012, without the key in its message', async () => {
  const broken = privateKey.replace(/A/g, 'B');
  const serving = serveRegistry({ ...common, tls: { cert: certificate, key: broken } });
  await expect(serving).rejects.toThrow(/MR-5012/);
  await expect(serving).rejects.not.toThrow(new RegExp(broken.split('\n')[1]?.slice(0, 20) ?? ''));
});
