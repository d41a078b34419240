/**
 * Connect's schemas and values in one spelling that loses nothing, for both sides of the comparison: integers as decimal
 * text, floats as `float:` or `double:` and the bits in hex, bytes as `hex:` and their digits, structs as objects.
 */
export type ExactValue =
  | null
  | boolean
  | string
  | readonly ExactValue[]
  | { readonly [field: string]: ExactValue };

export interface ExactSchema {
  /** Connect's name of the type: `int32`, `struct`, … */
  readonly type: string;
  readonly optional: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly default?: ExactValue;
  readonly items?: ExactSchema;
  readonly keys?: ExactSchema;
  readonly values?: ExactSchema;
  readonly fields?: readonly ExactField[];
}

export interface ExactField {
  readonly name: string;
  readonly schema: ExactSchema;
}

export type ExactStruct = { readonly [field: string]: ExactValue };

/** One record as a consumer of its topic finds it. Null schemas: the record has no key, or is a tombstone. */
export interface TopicRecord {
  readonly topic: string;
  readonly key: ExactValue;
  readonly keySchema: ExactSchema | null;
  readonly value: ExactValue;
  readonly valueSchema: ExactSchema | null;
  readonly headers: Readonly<Record<string, ExactValue>>;
}

/** Texts of a record's Avro schemas. */
export interface AvroTexts {
  readonly key: string | null;
  readonly value: string | null;
}

/** The same record in format `json`: texts as they stand in the topic, null where there is none. */
export interface JsonRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
}

export const exactFloat = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return `float:${bytes.toString('hex')}`;
};

export const exactDouble = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `double:${bytes.toString('hex')}`;
};

export const exactBytes = (bytes: Uint8Array): string => `hex:${Buffer.from(bytes).toString('hex')}`;
