import { Fault } from '@millrace/runtime';

/**
 * An identifier for SQL, always quoted: exact for any name, keywords and case included.
 * Source: PostgreSQL documentation 4.1.1. A NUL cannot occur in a name and is refused.
 */
export function quoteIdentifier(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."table"`. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * A string constant for SQL. Safe whatever standard_conforming_strings says, because a backslash switches to the E form.
 */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  const doubled = text.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** `quoteLiteral`, or NULL. */
export const quoteNullable = (text: string | null): string => (text === null ? 'NULL' : quoteLiteral(text));

function refuseNul(text: string): void {
  if (text.includes('\0'))
    throw new Fault('MR-9001', { detail: 'a name or constant for SQL contains a NUL' });
}
