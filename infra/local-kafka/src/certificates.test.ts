import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { makeCertificates } from './certificates.js';
import type { TestCertificates } from './key-pair.js';

async function handshake(
  serving: TestCertificates,
  trusting: TestCertificates,
  host: string,
): Promise<string> {
  const { server, ca } = serving;
  const listener = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true });
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const secured = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ host: '127.0.0.1', port, servername: host, ca: trusting.ca, ...trusting.client });
  try {
    await once(socket, 'secureConnect');
    const [other] = await secured;
    return String(other.getPeerCertificate().subject.CN);
  } finally {
    socket.destroy();
    listener.close();
  }
}

it('server and client of one authority know each other, by the names the server is reached at', async () => {
  const mine = await makeCertificates();
  expect(await handshake(mine, mine, 'localhost')).toBe('client');
  await expect(handshake(mine, mine, 'elsewhere')).rejects.toThrow(/altnames/);
  expect(new X509Certificate(mine.server.cert).checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(new X509Certificate(mine.server.cert).checkIssued(new X509Certificate(mine.ca))).toBe(true);
});

it('another call makes an authority that the first one’s clients do not trust, for all its equal name', async () => {
  const [mine, other] = [await makeCertificates(), await makeCertificates()];
  await expect(handshake(other, mine, 'localhost')).rejects.toThrow(/certificate signature failure/);
});
