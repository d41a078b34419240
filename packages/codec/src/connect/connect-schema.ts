/**
 * Schemas in Kafka Connect's terms, which Debezium's contract is written in. `avro-schema.ts` writes them as Confluent's
 * AvroData does; JSON carries payloads only.
 */
export type ConnectSchema = PrimitiveSchema | ArraySchema | StructSchema;

interface Semantics {
  /** Semantic type, `io.debezium.time.Date`. */
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface PrimitiveSchema extends Semantics {
  readonly type: 'boolean' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64' | 'string' | 'bytes';
}

export interface ArraySchema extends Semantics {
  readonly type: 'array';
  readonly items: ConnectSchema;
  readonly itemsOptional: boolean;
}

export interface StructSchema extends Semantics {
  readonly type: 'struct';
  readonly name: string;
  readonly fields: readonly StructField[];
}

export interface StructField {
  readonly name: string;
  readonly schema: ConnectSchema;
  readonly optional: boolean;
  /** Default of an optional string, Debezium's `source.snapshot`. */
  readonly defaultText?: string;
}

/** A primitive schema with a semantic name, version 1 as all of Debezium's are. */
export function semantic(
  type: PrimitiveSchema['type'],
  name: string,
  parameters?: Readonly<Record<string, string>>,
): PrimitiveSchema {
  return parameters ? { type, name, version: 1, parameters } : { type, name, version: 1 };
}
