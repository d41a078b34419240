import type { Relation } from '@millrace/model';
import { Fault, isFault } from '@millrace/runtime';
import { avroSchemaText } from './connect/avro-schema.js';
import { legalAvro } from './connect/legal-avro.js';
import { avroSchemaName } from './connect/names.js';
import { AvroDecoder } from './envelope/avro-decoder.js';
import { AvroEncoder } from './envelope/avro-encoder.js';
import { envelopeSchema, keySchema } from './envelope/envelope-schema.js';
import { JsonDecoder } from './envelope/json-decoder.js';
import { JsonEncoder } from './envelope/json-encoder.js';
import type { SourceConstants } from './envelope/source-facts.js';
import { planTable, structFields, type TablePlan } from './envelope/table-plan.js';
import type { Codec, EventDecoder, EventEncoder, SchemaStore } from './port.js';
import { debezium } from './presets/debezium.js';
import { lossless } from './presets/lossless.js';
import type { Preset, PresetName } from './presets/preset.js';
import { schemaIdOf } from './schema-store/schema-id.js';

export type CodecFormat = 'avro' | 'json';

export interface CodecOptions {
  /** `avro`: Confluent wire format. `json`: Connect's JSON payload, schemas.enable=false. */
  readonly format: CodecFormat;
  readonly preset: PresetName;
  /** Where Avro schemas are registered; JSON uses none. */
  readonly schemas: SchemaStore;
  /** Debezium's `source.name`: the topic prefix. */
  readonly connectorName: string;
  /** Debezium's `source.db`: the leader's database. */
  readonly database: string;
  /** Debezium's `source.version`: what wrote the event. */
  readonly version: string;
}

const presets: Readonly<Record<PresetName, Preset>> = { lossless, debezium };

/** Makes the codec of one pipeline. Capture and every applier of a pipeline must use the same format and preset. */
export function createCodec(options: CodecOptions): Codec {
  const preset = presets[options.preset];
  return options.format === 'avro' ? new AvroCodec(options, preset) : new JsonCodec(options, preset);
}

function inexactColumns(relation: Relation, preset: Preset): { column: string; reason: string }[] {
  return relation.columns.flatMap(({ name, type }) => {
    const coding = preset.coding(type);
    if (!coding)
      return [{ column: name, reason: `preset ${preset.name} leaves columns of type ${type.sql} out` }];
    return coding.inexact === undefined ? [] : [{ column: name, reason: coding.inexact }];
  });
}

class AvroCodec implements Codec {
  readonly name: string;
  readonly #preset: Preset;
  readonly #schemas: SchemaStore;
  readonly #constants: SourceConstants;
  /** Which topic took which schema name: Debezium refuses a second one. */
  readonly #names = new Map<string, string>();

  constructor(options: CodecOptions, preset: Preset) {
    this.name = `avro/${preset.name}`;
    this.#preset = preset;
    this.#schemas = options.schemas;
    this.#constants = options;
  }

  async encoder(topic: string, relation: Relation): Promise<EventEncoder> {
    const plan = this.#plan(topic, relation);
    const schemas = schemasOf(topic, plan);
    const value = await this.#schemas.register(`${topic}-value`, schemas.value);
    const key =
      schemas.key === undefined ? keyless : await this.#schemas.register(`${topic}-key`, schemas.key);
    return new AvroEncoder(plan, { key, value }, this.#constants);
  }

  async decoder(topic: string, relation: Relation): Promise<EventDecoder> {
    const plan = this.#plan(topic, relation);
    // Never registered from here: a reader set up by mistake with another preset would leave its schemas in the registry,
    // and a reader needs no right to write. Whoever wrote an event has registered its schema before.
    const id = await this.#schemas.find(`${topic}-value`, schemasOf(topic, plan).value);
    return new AvroDecoder(topic, plan, id, (other) => foreignSchema(other, topic, relation));
  }

  inexactColumns(relation: Relation): readonly { readonly column: string; readonly reason: string }[] {
    return inexactColumns(relation, this.#preset);
  }

  #plan(topic: string, relation: Relation): TablePlan {
    if (this.#preset.strictNames) this.#claimName(topic);
    return planTable(relation, this.#preset, 'avro');
  }

  #claimName(topic: string): void {
    const name = avroSchemaName(topic);
    const holder = this.#names.get(name) ?? topic;
    if (holder !== topic) {
      throw new Fault('MR-5002', {
        detail: `topics ${holder} and ${topic} both become Avro schema name "${name}"`,
        context: { topic, holder, name },
        remedy: 'Use preset `lossless` or format `json`, rename a table, or exclude one.',
      });
    }
    this.#names.set(name, topic);
  }
}

/** What an id is that a decoder did not expect: ids follow from schemas, so the likely ones can be made and compared. */
function foreignSchema(id: number, topic: string, relation: Relation): string {
  const author = Object.values(presets).find((preset) => wouldWrite(preset, id, topic, relation));
  if (author) return `it was written under preset \`${author.name}\``;
  return 'it was written for another table version, or by a Millrace that maps types differently';
}

function wouldWrite(preset: Preset, id: number, topic: string, relation: Relation): boolean {
  try {
    return schemaIdOf(valueSchemaText(topic, planTable(relation, preset, 'avro'))) === id;
  } catch (error) {
    // That preset refuses the table, so it wrote nothing.
    if (isFault(error, 'MR-5002')) return false;
    throw error;
  }
}

/** Of a table without a key: its encoder never writes one. */
const keyless = 0;

function schemasOf(topic: string, plan: TablePlan): { value: string; key: string | undefined } {
  const value = legalAvro(topic, valueSchemaText(topic, plan));
  if (plan.key.length === 0) return { value, key: undefined };
  return { value, key: legalAvro(topic, avroSchemaText(keySchema(topic, structFields(plan.key)))) };
}

const valueSchemaText = (topic: string, plan: TablePlan): string =>
  avroSchemaText(envelopeSchema(topic, structFields(plan.fields)));

class JsonCodec implements Codec {
  readonly name: string;
  readonly #preset: Preset;
  readonly #constants: SourceConstants;

  constructor(options: CodecOptions, preset: Preset) {
    this.name = `json/${preset.name}`;
    this.#preset = preset;
    this.#constants = options;
  }

  async encoder(_topic: string, relation: Relation): Promise<EventEncoder> {
    return new JsonEncoder(planTable(relation, this.#preset, 'own'), this.#constants);
  }

  async decoder(_topic: string, relation: Relation): Promise<EventDecoder> {
    return new JsonDecoder(planTable(relation, this.#preset, 'own'));
  }

  inexactColumns(relation: Relation): readonly { readonly column: string; readonly reason: string }[] {
    return inexactColumns(relation, this.#preset);
  }
}
