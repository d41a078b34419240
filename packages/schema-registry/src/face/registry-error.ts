/**
 * An answer that is no success, with Confluent's own code: the HTTP status, or the status times a hundred plus a number. Clients
 * branch on the code (rest/exceptions/Errors.java of confluentinc/schema-registry; its REST API reference).
 */
export class RegistryError extends Error {
  readonly code: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'RegistryError';
    this.code = code;
    this.status = code > 999 ? Math.trunc(code / 100) : code;
    this.headers = headers;
  }
}

export const subjectNotFound = (subject: string): RegistryError =>
  new RegistryError(40401, `Subject '${subject}' not found.`);

export const versionNotFound = (version: number): RegistryError =>
  new RegistryError(40402, `Version ${version} not found.`);

export const schemaNotFound = (id?: number): RegistryError =>
  new RegistryError(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`);

export const invalidSchema = (why: string): RegistryError =>
  new RegistryError(42201, `Invalid schema: ${why}`);

export const invalidVersion = (text: string): RegistryError =>
  new RegistryError(
    42202,
    `The specified version '${text}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  );

/** What a registry in read-only mode answers to a write. */
export const notPermitted = (why: string): RegistryError => new RegistryError(42205, why);

export const storeFailed = (): RegistryError =>
  new RegistryError(50001, 'Error in the backend data store: see the log of the registry');
