import { flawOf } from '../schemas/avro.js';
import { invalidSchema, notPermitted } from './registry-error.js';

/** The schema text of a request's body `{schema, schemaType?, references?}`. Throws 42201, and 42205 for wishes of an id. */
export function schemaIn(body: Readonly<Record<string, unknown>>): string {
  const { schema, schemaType = 'AVRO', references, id } = body;
  if (schemaType !== 'AVRO' && schemaType !== null)
    throw invalidSchema(`schema type ${JSON.stringify(schemaType)}; this registry keeps AVRO`);
  if (Array.isArray(references) && references.length > 0)
    throw invalidSchema('references to other schemas; this registry keeps schemas whole');
  if (typeof id === 'number' && id > 0)
    throw notPermitted('An id cannot be chosen here: ids follow from the schema.');
  if (typeof schema !== 'string' || schema === '') throw invalidSchema('the body has no text "schema"');
  const flaw = flawOf(schema);
  if (flaw !== undefined) throw invalidSchema(flaw);
  return schema;
}
