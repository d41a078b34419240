import { Buffer } from 'node:buffer';

/** A literal of type bytea. */
export const bytes = (value: Uint8Array): string =>
  `'\\x${Buffer.from(value).toString('hex')}'::pg_catalog.bytea`;

/** From bytea's text under bytea_output = hex. */
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
