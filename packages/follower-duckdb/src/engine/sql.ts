import { Buffer } from 'node:buffer';

/** An identifier for DuckDB, always quoted. DuckDB compares names without regard to case even then: see `table/names.ts`. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A string constant for DuckDB; backslashes mean themselves. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const blobLiteral = (bytes: Uint8Array): string => `from_hex('${Buffer.from(bytes).toString('hex')}')`;
