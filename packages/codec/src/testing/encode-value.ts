import type { ColumnType, Relation } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import {
  baseType,
  columnOf,
  sampleChange,
  sampleContext,
  sampleTopic,
  tableOf,
} from '../conformance/index.js';
import { type CodecFormat, createCodec } from '../create-codec.js';
import type { Codec, EncodingContext, EnvelopeOp } from '../port.js';
import type { PresetName } from '../presets/preset.js';
import type { SchemaRegistry } from '../schema-store/schema-registry.js';
import { memorySchemaStore } from '../schema-store/table-store.js';
import { decodeWithAvsc } from './avsc-oracle.js';

export interface Bench {
  readonly codec: Codec;
  readonly schemas: SchemaRegistry;
}

export function benchOf(format: CodecFormat, preset: PresetName): Bench {
  const schemas = memorySchemaStore();
  const names = { connectorName: 'shop', database: 'shop', version: '0.1.0' };
  return { codec: createCodec({ format, preset, schemas, ...names }), schemas };
}

/** Encodes one event. */
export async function encoded(
  { codec }: Bench,
  op: EnvelopeOp,
  change: ReturnType<typeof sampleChange>,
  context: EncodingContext = sampleContext,
): Promise<Buffer> {
  const out = new ByteWriter();
  (await codec.encoder(sampleTopic, change.relation)).value(op, change, context, out);
  return out.copy();
}

/** What an outside consumer reads from the bytes: avsc for Avro, JSON.parse for JSON. */
export async function readOutside(bench: Bench, bytes: Buffer): Promise<Record<string, unknown>> {
  if (bench.codec.name.startsWith('json/'))
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  const schema = await bench.schemas.get(bytes.readUInt32BE(1));
  return decodeWithAvsc(schema as string, bytes) as Record<string, unknown>;
}

/** A table of an int4 key and one column `value` of `type`. */
export const tableWith = (type: ColumnType, notNull = false): Relation =>
  tableOf([columnOf(1, 'id', baseType('int4'), { notNull: true }), columnOf(2, 'value', type, { notNull })]);

/** One value as an outside consumer finds it in `after`. */
export async function outsideValue(bench: Bench, type: ColumnType, text: string | null): Promise<unknown> {
  const change = sampleChange(tableWith(type), null, ['1', text]);
  const event = await readOutside(bench, await encoded(bench, 'c', change));
  return (event.after as { value: unknown }).value;
}

/** The Avro schema of a value column, without its null branch. */
export async function valueSchema(preset: PresetName, type: ColumnType): Promise<unknown> {
  const bench = benchOf('avro', preset);
  await bench.codec.encoder(sampleTopic, tableWith(type));
  const [version] = await bench.schemas.versions(`${sampleTopic}-value`);
  const schema = JSON.parse((await bench.schemas.get(version?.id as number)) as string);
  return schema.fields[0].type[1].fields[1].type[1];
}
