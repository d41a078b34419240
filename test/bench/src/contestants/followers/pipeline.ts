import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceBoard, type ServiceNote } from '@millrace/lag-monitor';
import { type FollowerReport, FollowerReports } from '@millrace/log';
import { type EmbeddedLog, openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';
import { dropSlot } from '../../measure/walsender.js';
import type { Cleanup } from '../../stand/cleanup.js';
import { publication, type Stand } from '../contestant.js';
import { MillraceProcess } from './millrace-process.js';

const poll_ms = 20;
const settle_ms_max = 120_000;

/** The follower's name in every pipeline of the bench. */
export const followerName = 'copy';
/** The processes of a pipeline, each started as one. */
export type Part = 'capture' | 'applier' | 'monitor';

/** Those that say on the log's board what they do. */
type Replicating = Exclude<Part, 'monitor'>;

const argumentsOf: Record<Part, readonly string[]> = {
  capture: ['capture'],
  applier: ['apply', followerName],
  monitor: ['monitor'],
};
const serviceOf: Record<Replicating, string> = { capture: 'capture', applier: followerName };

export interface PipelineOptions {
  readonly stand: Stand;
  readonly lane: number;
  /** The follower's store as YAML: `{ postgres: { url: … } }`. */
  readonly store: string;
  /** The log as YAML; default the embedded one in the lane's folder. */
  readonly log?: string;
}

const embeddedLog = '{ embedded: { path: ./log } }';

/** Capture, log and applier of one lane: the configuration of a user who changed nothing. */
export class Pipeline {
  readonly slot: string;
  readonly folder: string;
  readonly #processes = new Map<Part, MillraceProcess>();
  #log: EmbeddedLog | undefined;

  private constructor({ stand, lane }: PipelineOptions) {
    this.slot = `millrace_${lane}`;
    this.folder = join(stand.folder, this.slot);
  }

  /** Writes its configuration; `cleanup` learns how to take everything down. Nothing runs yet. */
  static async create(options: PipelineOptions, cleanup: Cleanup): Promise<Pipeline> {
    const pipeline = new Pipeline(options);
    const { folder, slot } = pipeline;
    await mkdir(folder, { recursive: true });
    cleanup.defer(() => rm(folder, { recursive: true, force: true }));
    cleanup.defer(() => dropSlot(options.stand.leader, slot));
    cleanup.defer(() => pipeline.#close());
    await writeFile(join(folder, 'millrace.yaml'), configuration(options, slot));
    return pipeline;
  }

  start(part: Part): MillraceProcess {
    const started = new MillraceProcess(argumentsOf[part], this.folder);
    this.#processes.set(part, started);
    return started;
  }

  process(part: Part): MillraceProcess {
    const process = this.#processes.get(part);
    if (!process) throw new Error(`${part} was never started`);
    return process;
  }

  assertRunning(): void {
    for (const process of this.#processes.values()) process.assertRunning();
  }

  /** Ends the processes cleanly, capture first. */
  async stop(): Promise<void> {
    for (const part of ['capture', 'applier', 'monitor'] as const) {
      await this.#processes.get(part)?.stop();
      this.#processes.delete(part);
    }
  }

  /**
   * Until the part's present process has come past its start: capture streams and has no snapshot to read any more, the
   * applier has applied all there is.
   */
  async ready(part: Replicating): Promise<void> {
    const { pid } = this.process(part);
    await this.until(`${part} is ready`, async () => {
      const note = await this.#note(part);
      if (note?.pid !== pid) return false;
      if (part === 'applier') return note.doing === 'idle';
      return note.doing === 'stream' && note.figures.snapshot_rows === undefined;
    });
  }

  /** Until the follower is an exact copy of what the leader holds: the initial snapshot is done. */
  async copied(): Promise<void> {
    await this.until('the follower is exact', async () => (await this.report())?.state === 'exact');
  }

  /** What the applier reported last, at most 250 ms ago when it works. */
  async report(): Promise<FollowerReport | undefined> {
    const log = await this.log();
    return log && (await new FollowerReports(log).get(followerName));
  }

  /** The embedded log, to look at; undefined before there is one. */
  async log(): Promise<EmbeddedLog | undefined> {
    const path = join(this.folder, 'log');
    // Made by the writer last of all: before it, a reader meets a half-made log.
    if (!this.#log && existsSync(join(path, 'wake'))) {
      this.#log = await openEmbeddedLog({
        path,
        readOnly: true,
        retention: { followers: 'hold' },
        clock: systemClock,
        logger: silentLogger,
      }).catch(() => undefined);
    }
    return this.#log;
  }

  /** Asks `probe` every 20 ms; throws when a process has ended, or after two minutes. */
  async until(what: string, probe: () => Promise<boolean>, timeout_ms = settle_ms_max): Promise<void> {
    const deadline = performance.now() + timeout_ms;
    while (!(await probe())) {
      this.assertRunning();
      if (performance.now() > deadline) throw new Error(`not within ${timeout_ms} ms: ${what}`);
      await sleep(poll_ms);
    }
  }

  async #note(part: Replicating): Promise<ServiceNote | undefined> {
    const log = await this.log();
    const notes = log ? await new ServiceBoard(log).read() : [];
    return notes.find(({ service }) => service === serviceOf[part]);
  }

  async #close(): Promise<void> {
    for (const process of this.#processes.values()) await process.kill9();
    await this.#log?.close();
  }
}

function configuration({ stand, store, log = embeddedLog }: PipelineOptions, slot: string): string {
  return `pipeline: ${slot}
leader:
  url: ${JSON.stringify(stand.leader.url)}
  publication: { name: ${publication}, create: false }
  slot: ${slot}
  tables: [${stand.workload.tables.map((table) => JSON.stringify(table)).join(', ')}]
log: ${log}
followers:
  ${followerName}: ${store}
monitor: { listen: 127.0.0.1:0 }
`;
}
