import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

/** Java's own key store format (`sun.security.provider.JavaKeyStore`): numbers big-endian, a digest at the end. */
const magic = 0xfeedfeed;
const version = 2;
const tag_trusted = 2;
/** The format's name for "signed with a password"; certificates are public, the password everybody's. */
const whitener = 'Mighty Aphrodite';
const password = 'changeit';

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Text as DataOutput.writeUTF writes it; ours is ASCII. */
function utf(text: string): Buffer {
  const bytes = Buffer.alloc(2 + text.length, text, 'latin1');
  bytes.writeUInt16BE(text.length);
  bytes.write(text, 2, 'latin1');
  return bytes;
}

/** A JKS trust store of certificates in DER, opened by `changeit` as Java's own is. */
export function trustStore(certificates: readonly Buffer[]): Buffer {
  const date = Buffer.alloc(8);
  const entries = certificates.flatMap((der, index) => [
    uint32(tag_trusted),
    utf(`authority-${index}`),
    date,
    utf('X.509'),
    uint32(der.length),
    der,
  ]);
  const body = Buffer.concat([uint32(magic), uint32(version), uint32(certificates.length), ...entries]);
  const utf16be = Buffer.from(password, 'utf16le').swap16();
  const digest = createHash('sha1').update(utf16be).update(whitener).update(body).digest();
  return Buffer.concat([body, digest]);
}

/** Where systems keep the authorities they trust, in PEM. */
const systemFiles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

function certificatesIn(file: string | undefined): string[] {
  if (file === undefined) return [];
  try {
    return readFileSync(file, 'utf8').match(pemBlock) ?? [];
  } catch {
    return [];
  }
}

/** The authorities this machine trusts (else those of Node), and those of NODE_EXTRA_CA_CERTS, each once, in DER. */
export function trustedAuthorities(): Buffer[] {
  const ofSystem = systemFiles.flatMap(certificatesIn);
  const pems = [
    ...(ofSystem.length > 0 ? ofSystem : rootCertificates),
    ...certificatesIn(process.env.NODE_EXTRA_CA_CERTS),
  ];
  return [...new Set(pems)].map((pem) => new X509Certificate(pem).raw);
}
