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
