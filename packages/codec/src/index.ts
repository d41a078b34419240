export { type CodecFormat, type CodecOptions, createCodec } from './create-codec.js';
export type {
  Codec,
  DecodedEvent,
  EncodingContext,
  EnvelopeOp,
  EventDecoder,
  EventEncoder,
  SchemaStore,
  SnapshotMark,
} from './port.js';
export type { PresetName } from './presets/preset.js';
export { schemaIdOf } from './schema-store/schema-id.js';
export type { Registration, SchemaRegistry, SubjectVersion } from './schema-store/schema-registry.js';
export { memorySchemaStore, type SchemaTable, tableSchemaStore } from './schema-store/table-store.js';
export { postgresTextName } from './values/text.js';
