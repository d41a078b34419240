import { Fault } from '@millrace/runtime';

/** Prefix of the messages that say, in the leader's own WAL, that rows of a table changed without events. */
export const doubtPrefix = 'millrace.doubt';

export interface Doubt {
  /** Oid. */
  readonly table: number;
  /** In words, for people. */
  readonly reason: string;
}

export const formatDoubt = ({ table, reason }: Doubt, slot: string): string =>
  JSON.stringify({ v: 1, slot, table, reason });

/** Undefined: another pipeline's, or another version's. Throws MR-2011 for what is not ours. */
export function parseDoubt(text: string, slot: string): Doubt | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault('MR-2011', { detail: 'a message about a table’s rows is not JSON', cause });
  }
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { v, table, reason } = fields;
  if (v !== 1 || fields.slot !== slot) return undefined;
  if (typeof table !== 'number' || typeof reason !== 'string')
    throw new Fault('MR-2011', { detail: 'a message about a table’s rows lacks what it is to say' });
  return { table, reason };
}
