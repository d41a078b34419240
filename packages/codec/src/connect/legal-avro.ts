import { Fault } from '@millrace/runtime';
import avsc from 'avsc';

const known = new Set<string>();

/**
 * Returns `schema` if avsc, whose reading of the specification is not ours, accepts it. Events are written byte by byte without
 * it, so what is registered must at least be Avro to everyone else. Throws MR-5002 naming the topic.
 */
export function legalAvro(topic: string, schema: string): string {
  if (known.has(schema)) return schema;
  try {
    avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: true });
  } catch (cause) {
    throw new Fault('MR-5002', {
      detail: `the events of ${topic} have no legal Avro schema: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
      context: { topic },
      remedy: 'Use format `json`, or exclude the column that the message names.',
    });
  }
  known.add(schema);
  return schema;
}
