import type { BasicCredentials } from '../access/basic.js';

/** An external registry, and how to be let in. */
export interface RegistryEndpoint {
  /**
   * http:// or https://, with the path that the registry's interface has, such as Apicurio's `/apis/ccompat/v7`. A user and
   * password in it are used as credentials.
   */
  readonly url: string;
  readonly credentials?: BasicCredentials;
  /** PEM: authorities to trust instead of the system's. */
  readonly ca?: string;
  /** PEM: certificate and key of this client. */
  readonly cert?: string;
  readonly key?: string;
}

/** The registry's address as people may see it: no credentials, no slash at the end. */
export function shownUrl({ url }: RegistryEndpoint): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** Credentials given apart, else those of the URL. */
export function credentialsOf({ url, credentials }: RegistryEndpoint): BasicCredentials | undefined {
  if (credentials) return credentials;
  const { username, password } = new URL(url);
  if (username === '') return undefined;
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The address of one resource; `segments` are encoded, subjects hold any characters. */
export function resource(endpoint: RegistryEndpoint, segments: readonly (string | number)[]): URL {
  return new URL(`${shownUrl(endpoint)}/${segments.map((part) => encodeURIComponent(part)).join('/')}`);
}
