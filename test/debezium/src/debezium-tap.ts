import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import type { AvroTexts, ExactSchema, ExactValue, JsonRecord, TopicRecord } from './exact.js';

/** What one engine published: as a consumer of Connect's data finds it, and as JsonConverter writes it. */
export interface DebeziumRecord extends TopicRecord {
  /** What AvroData makes of its schemas; null where there is none, or none that Avro allows. */
  readonly avro: AvroTexts;
  readonly json: JsonRecord;
}

export interface JavaProgram {
  /** `java` of a JDK, 21 or later. */
  readonly java: string;
  readonly classPath: readonly string[];
}

interface SchemaLine {
  readonly kind: 'schema';
  readonly engine: string;
  readonly id: number;
  readonly schema: ExactSchema;
  readonly avro: string | null;
}
interface RecordLine {
  readonly kind: 'record';
  readonly engine: string;
  readonly topic: string;
  readonly keySchema: number;
  readonly valueSchema: number;
  readonly key: ExactValue;
  readonly value: ExactValue;
  readonly keyJson: string | null;
  readonly valueJson: string | null;
  readonly headers: Readonly<Record<string, ExactValue>>;
}
interface EndedLine {
  readonly kind: 'ended';
  readonly engine: string;
  readonly success: boolean;
  readonly message: string | null;
  readonly error: string | null;
}

const source = fileURLToPath(new URL('../java/DebeziumTap.java', import.meta.url));
const heap = '-Xmx384m';
const tail_lines = 60;
const ending_ms = 5_000;

/** Debezium's engine with its PostgreSQL connector, one or more in one Java process. */
export class DebeziumTap implements AsyncDisposable {
  readonly #records: (DebeziumRecord & { readonly engine: string })[] = [];
  readonly #schemas = new Map<string, SchemaLine>();
  readonly #ended = new Map<string, string>();
  readonly #said: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #closed: Promise<void>;

  /** Starts an engine per entry: its name, and the connector's properties. */
  constructor(program: JavaProgram, engines: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    this.#folder = tempFolder('millrace-debezium-tap');
    const files = Object.entries(engines).map(([name, properties]) => {
      const file = join(this.#folder, `${name}.properties`);
      writeFileSync(file, propertiesText({ name, ...properties }));
      return file;
    });
    // TieredStopAtLevel: a run of seconds gains nothing from the optimising compiler, which would take a core.
    const flags = [
      heap,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Duser.timezone=UTC',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ];
    this.#child = spawn(program.java, [...flags, '-cp', program.classPath.join(':'), source, ...files], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    if (this.#child.stderr)
      createInterface({ input: this.#child.stderr }).on('line', (line) => this.#keep(line));
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#keep(String(error)));
      this.#child.once('close', (code) => {
        this.#ended.set('java', `java ended with ${code}`);
        resolve();
      });
    });
  }

  /** Whether `engine` has published to `topic`. Throws when it has ended. */
  has(engine: string, topic: string): boolean {
    const end = this.#ended.get(engine) ?? this.#ended.get('java');
    if (end !== undefined) throw new Error(`Debezium’s engine ${engine} ended: ${end}\n${this.output}`);
    return this.#records.some((record) => record.engine === engine && record.topic === topic);
  }

  /** Everything that `engine` published until now. */
  records(engine: string): readonly DebeziumRecord[] {
    return this.#records.filter((record) => record.engine === engine);
  }

  /** What Java last said on its standard error. */
  get output(): string {
    return this.#said.join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    // An engine that hangs in a query does not hear that it should end.
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), ending_ms);
    await this.#closed;
    clearTimeout(killing);
    removeTempFolder(this.#folder);
  }

  #take(text: string): void {
    const line = JSON.parse(text) as SchemaLine | RecordLine | EndedLine;
    if (line.kind === 'schema') this.#schemas.set(`${line.engine} ${line.id}`, line);
    else if (line.kind === 'ended') this.#ended.set(line.engine, `${line.message} ${line.error}`);
    else this.#records.push(this.#record(line));
  }

  #record({ engine, topic, key, value, headers, ...line }: RecordLine): DebeziumRecord & { engine: string } {
    const schema = (id: number): SchemaLine | undefined => this.#schemas.get(`${engine} ${id}`);
    return {
      ...{ engine, topic, key, value, headers },
      keySchema: schema(line.keySchema)?.schema ?? null,
      valueSchema: schema(line.valueSchema)?.schema ?? null,
      avro: {
        key: schema(line.keySchema)?.avro ?? null,
        value: schema(line.valueSchema)?.avro ?? null,
      },
      json: { topic, key: line.keyJson, value: line.valueJson },
    };
  }

  #keep(line: string): void {
    this.#said.push(line);
    if (this.#said.length > tail_lines) this.#said.shift();
  }
}

const propertiesText = (properties: Readonly<Record<string, string>>): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');

/** The connector in its default configuration, on a database. */
export function connectorProperties(options: {
  readonly url: string;
  readonly prefix: string;
  readonly slot: string;
  readonly publication: string;
}): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(options.url);
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'offset.storage': 'org.apache.kafka.connect.storage.MemoryOffsetBackingStore',
    'offset.flush.interval.ms': '0',
    // A failure ends the engine instead of being tried again for ever.
    'errors.max.retries': '0',
    // Half a second by default.
    'poll.interval.ms': '50',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': decodeURIComponent(username),
    'database.password': decodeURIComponent(password),
    'database.dbname': decodeURIComponent(pathname.slice(1)),
    'topic.prefix': options.prefix,
    'plugin.name': 'pgoutput',
    'slot.name': options.slot,
    'publication.name': options.publication,
  };
}
