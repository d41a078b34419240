import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, LocalServer, logFile, makeServerFolder } from '@millrace/local-process';
import type { ConnectProgram } from './program.js';
import { ConnectRest, type ConnectSettings } from './rest.js';

/** A cold start on a busy machine. */
const start_ms_max = 120_000;
const shown_chars = 4_000;

/** Those of Kafka's own `connect-standalone.sh`. */
export const heapOptions: readonly string[] = ['-Xms256M', '-Xmx2G'];
/** Those of its `kafka-run-class.sh`. */
const performanceOptions = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
];

export interface WorkerOptions {
  readonly program: ConnectProgram;
  readonly brokers: readonly string[];
  /** Gets a folder for properties, offsets and `server.log`. */
  readonly runFolder: string;
  /** Over ours. */
  readonly settings?: ConnectSettings;
}

/** One standalone worker of Kafka Connect, a process of its own. It ends with this process, however that ends. */
export class ConnectWorker extends LocalServer {
  readonly rest: ConnectRest;

  private constructor(folder: string, rest: ConnectRest) {
    super(folder);
    this.rest = rest;
  }

  /** Resolves when the worker answers, still without connectors. Throws MR-7002 with its log when it does not come up. */
  static async start({ program, brokers, runFolder, settings }: WorkerOptions): Promise<ConnectWorker> {
    const folder = await makeServerFolder(runFolder, 'connect');
    const url = `http://127.0.0.1:${await freePort()}`;
    const worker = new ConnectWorker(folder, new ConnectRest(url));
    try {
      const text = propertiesText({ ...workerSettings(brokers, folder, url), ...settings });
      await writeFile(join(folder, 'worker.properties'), text);
      await worker.#run(program);
      return worker;
    } catch (error) {
      await worker.remove();
      throw error;
    }
  }

  /** The end of what it printed, for messages. */
  lastOutput(): string {
    return readFileSync(join(this.folder, logFile), 'utf8').slice(-shown_chars);
  }

  #run(program: ConnectProgram): Promise<void> {
    const options = [...heapOptions, ...performanceOptions];
    return this.run({
      name: 'Kafka Connect',
      program: program.java.program,
      args: [
        ...options,
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        `-Djava.io.tmpdir=${this.folder}`,
        ...['-cp', program.classPath, 'org.apache.kafka.connect.cli.ConnectStandalone', 'worker.properties'],
      ],
      start_ms_max,
      isReady: () => this.rest.isUp(),
    });
  }
}

/** As Connect comes, but with payloads alone: a schema in every record would be most of the bytes. */
function workerSettings(brokers: readonly string[], folder: string, url: string): ConnectSettings {
  return {
    'bootstrap.servers': brokers.join(),
    listeners: url,
    'offset.storage.file.filename': join(folder, 'offsets'),
    // All of them are on the class path and say what they are.
    'plugin.discovery': 'service_load',
    ...jsonConverters({ schemas: false }),
  };
}

/** JsonConverter for keys and values; a sink needs the schemas in every record. */
export function jsonConverters({ schemas }: { readonly schemas: boolean }): ConnectSettings {
  const entries = ['key', 'value'].flatMap((part) => [
    [`${part}.converter`, 'org.apache.kafka.connect.json.JsonConverter'],
    [`${part}.converter.schemas.enable`, String(schemas)],
  ]);
  return Object.fromEntries(entries);
}

const propertiesText = (settings: ConnectSettings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
