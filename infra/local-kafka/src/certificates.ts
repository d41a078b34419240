import type { TestCertificates } from './key-pair.js';

/**
 * Makes an authority, a server's and a client's certificate (ECDSA P-256, valid for 30 days). The authority's key is
 * kept by nobody: another call makes an authority that the first one's clients do not trust.
 */
export async function makeCertificates(): Promise<TestCertificates> {
  // A third of a second to load, which clusters without TLS do not wait for.
  const { makeAuthority } = await import('./authority.js');
  return makeAuthority();
}
