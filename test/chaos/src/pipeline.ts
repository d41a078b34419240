import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bankTables } from '@millrace/oracle';
import { Command } from './command.js';

export const parts = ['capture', 'replica', 'lake'] as const;
/** The processes of one pipeline: the capture, an applier per follower, and the lag monitor. */
export type Part = (typeof parts)[number] | 'monitor';

const defaultName = 'bank';

export interface PipelineOptions {
  /** Default `bank`. */
  readonly name?: string;
  readonly folder: string;
  readonly leaderUrl: string;
  readonly replicaUrl: string;
  /** Tables of the publication; default the bank's. */
  readonly tables?: readonly string[];
  /** Where the monitor sends pages. */
  readonly webhook?: string;
  /** YAML of the budgets that pages are raised by; default the product's. */
  readonly budgets?: string;
  /** Where the monitor answers; default any free port. */
  readonly monitorPort?: number;
  /** Set for the processes, over our own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** YAML of the codec. */
  readonly codec?: string;
  /** YAML of the embedded log's retention. */
  readonly retention?: string;
  /** YAML of the log, instead of the embedded one. */
  readonly log?: string;
  /** Mode of the PostgreSQL follower. */
  readonly mode?: 'transactional' | 'partitioned';
  /** Policy of the PostgreSQL follower when it was restored. */
  readonly onRestore?: 'stop' | 'replay';
}

const argumentsOf: Record<Part, readonly string[]> = {
  capture: ['capture'],
  replica: ['apply', 'replica'],
  lake: ['apply', 'lake'],
  monitor: ['monitor'],
};

/** A pipeline of real processes on one embedded log: leader → PostgreSQL `replica` and DuckDB `lake`. */
export class Pipeline {
  readonly name: string;
  readonly folder: string;
  readonly lakePath: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #running = new Map<Part, Command>();

  constructor(options: PipelineOptions) {
    this.name = options.name ?? defaultName;
    this.folder = options.folder;
    this.#environment = options.environment ?? {};
    this.lakePath = join(options.folder, 'lake.duckdb');
    writeFileSync(join(options.folder, 'millrace.yaml'), configuration(options));
  }

  start(part: Part): Command {
    const command = this.command(...argumentsOf[part]);
    this.#running.set(part, command);
    return command;
  }

  /** Any other command of the same configuration: `status`, `resync replica`. */
  command(...args: readonly string[]): Command {
    return new Command(args, this.folder, this.#environment);
  }

  part(part: Part): Command {
    const command = this.#running.get(part);
    if (!command) throw new Error(`${part} was never started`);
    return command;
  }

  /** Fails with the last output of any part that ended by itself. */
  assertRunning(): void {
    for (const command of this.#running.values()) {
      if (command.endedByItself) {
        throw new Error(`${command.name} ended with ${JSON.stringify(command.exit)}:\n${command.output}`);
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#running.values()].map((command) => (command.exit ? command.exit : command.stop())),
    );
  }

  /** For the end of a failed test: nothing of ours stays behind. */
  async destroy(): Promise<void> {
    await Promise.all(
      [...this.#running.values()].map((command) => (command.exit ? command.exit : command.kill9())),
    );
  }
}

function configuration(options: PipelineOptions): string {
  const tables = options.tables ?? bankTables;
  return `pipeline: ${options.name ?? defaultName}
leader:
  url: ${JSON.stringify(options.leaderUrl)}
  publication: millrace_bank
  slot: millrace_bank
  tables: [${tables.map((table) => JSON.stringify(table)).join(', ')}]
log: ${options.log ?? `{ embedded: { path: ./log, retention: ${options.retention ?? '{ followers: hold }'} } }`}
followers:
  replica: { postgres: { url: ${JSON.stringify(options.replicaUrl)} }, on_restore: ${options.onRestore ?? 'stop'}, mode: ${options.mode ?? 'transactional'} }
  lake: { duckdb: { path: ./lake.duckdb } }
codec: ${options.codec ?? '{ format: avro }'}
monitor:
  listen: 127.0.0.1:${options.monitorPort ?? 0}
  sample: 200ms
${options.budgets ? `  budgets: ${options.budgets}\n` : ''}${options.webhook ? `  webhook: { url: ${JSON.stringify(options.webhook)} }\n` : ''}`;
}
