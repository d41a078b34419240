import { randomBytes, webcrypto } from 'node:crypto';
// The library below asks for it at its first line: it must be loaded before.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { KeyPair, TestCertificates } from './key-pair.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day_ms = 24 * 60 * 60 * 1_000;
const validity_days = 30;
const serial_bytes = 16;

interface Signer {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  // Clocks in containers and virtual machines may differ a little.
  return {
    notBefore: new Date(Date.now() - day_ms),
    notAfter: new Date(Date.now() + validity_days * day_ms),
  };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

/** A positive serial number: the first bit of the encoding is its sign. */
const serialNumber = (): string => `01${randomBytes(serial_bytes - 1).toString('hex')}`;

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return x509.PemConverter.encode(bytes, 'PRIVATE KEY');
}

async function issue(
  authority: Signer,
  name: string,
  usage: x509.ExtendedKeyUsage,
  names: readonly x509.JsonGeneralName[],
): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: authority.name,
    ...validity(),
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : []),
    ],
  });
  return { key: await keyPem(keys), cert: certificate.toString('pem') };
}

/** What `makeCertificates` promises. */
export async function makeAuthority(): Promise<TestCertificates> {
  const authority: Signer = { name: 'CN=Millrace test authority', keys: await newKeys() };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: authority.name,
    ...validity(),
    keys: authority.keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const names: readonly x509.JsonGeneralName[] = [
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' },
  ];
  return {
    ca: ca.toString('pem'),
    server: await issue(authority, 'CN=localhost', x509.ExtendedKeyUsage.serverAuth, names),
    client: await issue(authority, 'CN=client', x509.ExtendedKeyUsage.clientAuth, []),
  };
}
