import { createHash, timingSafeEqual } from 'node:crypto';
import { type BasicCredentials, basicHeader } from '../access/basic.js';
import { RegistryError } from './registry-error.js';

/** Throws 401 unless the header carries these credentials; takes as long whatever is wrong. */
export function authorize(header: string | undefined, wanted: BasicCredentials | undefined): void {
  if (!wanted) return;
  if (header !== undefined && timingSafeEqual(digest(normal(header)), digest(basicHeader(wanted)))) return;
  throw new RegistryError(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="schema registry"' });
}

/** The scheme's name has no case. */
const normal = (header: string): string => header.replace(/^basic\s+/i, 'Basic ');
const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
