/** A key and what vouches for it, both PEM: PKCS #8, and the certificate. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority made for one cluster, and what it signed. */
export interface TestCertificates {
  /** The authority's certificate, PEM. */
  readonly ca: string;
  /** For `localhost`, 127.0.0.1 and ::1. */
  readonly server: KeyPair;
  readonly client: KeyPair;
}

/**
 * Makes an authority, a server's and a client's certificate (ECDSA P-256, valid for 30 days). The authority's key is
 * kept by nobody: another call makes an authority that the first one's clients do not trust.
 */
export async function makeCertificates(): Promise<TestCertificates> {
  // A third of a second to load, which clusters without TLS do not wait for.
  const { makeAuthority } = await import('./authority.js');
  return makeAuthority();
}
