import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, ServerProcess } from '@millrace/local-process';
import type { ConnectProgram } from './program.js';
import { ConnectRest, type ConnectSettings } from './rest.js';

/** A cold start on a busy machine. */
const start_ms_max = 120_000;

/** Those of `connect-standalone.sh` and `kafka-run-class.sh` of Kafka 4.3; the heap is part of every description. */
export const heapOptions: readonly string[] = ['-Xms256M', '-Xmx2G'];
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
  /** Made if absent; holds properties, offsets and `server.log`. */
  readonly folder: string;
  /** Over ours. */
  readonly settings?: ConnectSettings;
}

/** One standalone worker of Kafka Connect, a process of its own, without connectors until it is given some. */
export class ConnectWorker implements AsyncDisposable {
  readonly rest: ConnectRest;
  readonly #server: ServerProcess;

  private constructor(server: ServerProcess, rest: ConnectRest) {
    this.#server = server;
    this.rest = rest;
  }

  /** Resolves when the worker answers. Throws MR-7002 with its log when it does not come up. */
  static async start({ program, brokers, folder, settings }: WorkerOptions): Promise<ConnectWorker> {
    await mkdir(folder, { recursive: true });
    const url = `http://127.0.0.1:${await freePort()}`;
    const properties = join(folder, 'worker.properties');
    await writeFile(properties, propertiesText({ ...workerSettings(brokers, folder, url), ...settings }));
    const rest = new ConnectRest(url);
    const server = await ServerProcess.start({
      name: 'Kafka Connect',
      program: program.java.program,
      args: [
        ...heapOptions,
        ...performanceOptions,
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        `-Djava.io.tmpdir=${folder}`,
        ...['-cp', program.classPath, 'org.apache.kafka.connect.cli.ConnectStandalone', properties],
      ],
      folder,
      start_ms_max,
      isReady: () => rest.isUp(),
    });
    return new ConnectWorker(server, rest);
  }

  get pid(): number {
    return this.#server.pid;
  }

  get running(): boolean {
    return this.#server.running;
  }

  /** SIGTERM: connectors stop in order and store their offsets. */
  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM');
  }

  /** For the end of a failed run: nothing stays behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.kill9();
  }
}

/** As Connect comes, but with payloads alone: a schema in every record would be most of the bytes. */
function workerSettings(brokers: readonly string[], folder: string, url: string): ConnectSettings {
  return {
    'bootstrap.servers': brokers.join(),
    listeners: url,
    'offset.storage.file.filename': join(folder, 'offsets'),
    'plugin.discovery': 'service_load',
    ...converter('key.converter'),
    ...converter('value.converter'),
  };
}

function converter(name: string): ConnectSettings {
  return {
    [name]: 'org.apache.kafka.connect.json.JsonConverter',
    [`${name}.schemas.enable`]: 'false',
  };
}

const propertiesText = (settings: ConnectSettings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
