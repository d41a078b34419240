import type { Registration } from '@millrace/codec';
import { invalidVersion, storeFailed, subjectNotFound, versionNotFound } from './registry-error.js';
import type { Call } from './routes.js';

const version_max = 2 ** 31 - 1;

/** A version as the path names it. Throws 42202. */
export function versionIn(text: string): number | 'latest' {
  if (text === 'latest' || text === '-1') return 'latest';
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (version < 1 || version > version_max) throw invalidVersion(text);
  return version;
}

/** The versions of the subject that the path names, oldest first. Throws 40401. */
export async function subjectVersions({ book, param }: Call): Promise<readonly Registration[]> {
  const versions = await book.of(param('subject'));
  if (versions.length === 0) throw subjectNotFound(param('subject'));
  return versions;
}

/** The version that the path names. Throws 42202, 40401, 40402. */
export async function namedVersion(call: Call): Promise<Registration> {
  const wanted = versionIn(call.param('version'));
  const versions = await subjectVersions(call);
  const found = wanted === 'latest' ? versions.at(-1) : versions.find(({ version }) => version === wanted);
  if (!found) throw versionNotFound(wanted as number);
  return found;
}

/** As Confluent shows a version; `schemaType` is left out for Avro there, too. */
export interface ShownVersion {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schema: string;
}

/** A registration without its schema would be a broken table. */
export async function shown({ book }: Pick<Call, 'book'>, registration: Registration): Promise<ShownVersion> {
  const { subject, version, id } = registration;
  const schema = await book.text(id);
  if (schema === undefined) throw storeFailed();
  return { subject, version, id, schema };
}
