import { createHash } from 'node:crypto';

/** Ids are positive 31-bit integers. */
const id_max = 0x7fff_ffff;

/**
 * The id a schema text asks for: 31 bits of its SHA-256. Derived from content, so that a zombie, its successor and every
 * applier agree without coordination.
 */
export function schemaIdOf(text: string): number {
  return createHash('sha256').update(text, 'utf8').digest().readUInt32BE(0) & id_max || 1;
}

/** The next id to try when another schema holds this one. */
export const nextSchemaId = (id: number): number => (id === id_max ? 1 : id + 1);
