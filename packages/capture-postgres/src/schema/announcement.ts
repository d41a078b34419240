import { isRelationJson, type RelationJson } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';

/** What the DDL event trigger says (`ddl-trigger.ts`), at the place of the change in the stream. */
export type Announcement =
  | { readonly kind: 'shape'; readonly json: RelationJson }
  | { readonly kind: 'rewrite'; readonly table: number; readonly reason: number }
  /** The trigger could not describe what happened. */
  | { readonly kind: 'unknown' };

/** Parses a message's text. Throws MR-2011 for what is not ours; other versions count as unknown. */
export function parseAnnouncement(text: string): Announcement {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault('MR-2011', { detail: 'a schema announcement is not JSON', cause });
  }
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { v, relation, rewrite, reason } = fields;
  if (v !== 1) return { kind: 'unknown' };
  if (isRelationJson(relation)) return { kind: 'shape', json: relation };
  if (typeof rewrite === 'number' && typeof reason === 'number')
    return { kind: 'rewrite', table: rewrite, reason };
  return { kind: 'unknown' };
}
