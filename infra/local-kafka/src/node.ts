import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServerProcess, startWatchdog, type Watchdog } from '@millrace/local-process';
import { Fault } from '@millrace/runtime';
import { startBroker } from './broker.js';
import type { KafkaPrograms } from './programs.js';
import { type ClientSecurity, type KafkaSettings, type NodePlan, propertiesText } from './properties.js';

/** What a node is made of. */
export interface NodeSpec {
  readonly plan: NodePlan;
  readonly cluster: readonly NodePlan[];
  readonly security: ClientSecurity;
  readonly settings: KafkaSettings;
  /** Holds `server.properties`, `server.log`, `data`. A real path without symbolic links. */
  readonly folder: string;
  readonly programs: KafkaPrograms;
}

/** One broker (and controller) of a cluster. */
export class KafkaNode {
  readonly id: number;
  readonly host = '127.0.0.1';
  /** Of the clients' listener; the same after every start. */
  readonly port: number;
  readonly folder: string;
  readonly #spec: NodeSpec;
  readonly #watchdog: Watchdog;
  #settings: KafkaSettings;
  #broker: ServerProcess | undefined;

  private constructor(spec: NodeSpec) {
    this.id = spec.plan.id;
    this.port = spec.plan.clientPort;
    this.folder = spec.folder;
    this.#spec = spec;
    this.#settings = spec.settings;
    this.#watchdog = startWatchdog(spec.folder, 'KILL');
  }

  /** Writes the node's properties. Its storage is to be formatted, then it can be started. */
  static async create(spec: NodeSpec): Promise<KafkaNode> {
    const node = new KafkaNode(spec);
    await node.#configure();
    return node;
  }

  /** `host:port` for clients that come directly. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** `host:port` that clients are told on the listener behind a proxy, if there is one. */
  get proxiedAddress(): string | undefined {
    return this.#spec.plan.proxied?.advertised;
  }

  get running(): boolean {
    return this.#broker?.running ?? false;
  }

  /** Pid of the last run; −1 before the first. */
  get pid(): number {
    return this.#broker?.pid ?? -1;
  }

  /**
   * Starts the node on its port and data, with changed settings if given; resolves when it serves. In a cluster of
   * three it waits for a second node. Throws MR-7002.
   */
  async start(settings: KafkaSettings = {}): Promise<void> {
    if (this.running) throw new Fault('MR-7002', { detail: `Kafka node ${this.id} is running already` });
    this.#settings = { ...this.#settings, ...settings };
    await this.#configure();
    this.#broker = await startBroker(this.#spec.programs, this.folder);
  }

  /** Ends the node in order: its leaderships move, its logs close. In a cluster a second node must run for that. */
  async stop(): Promise<void> {
    await this.#broker?.stop('SIGTERM');
  }

  /** SIGKILL: a crash. `start` recovers. */
  async kill9(): Promise<void> {
    await this.#broker?.kill9();
  }

  /** The node stands still (SIGSTOP): connections stay open, nothing answers. */
  pause(): void {
    this.#broker?.freeze(true);
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#broker?.freeze(false);
  }

  /** Ends the node at once and removes its folder. */
  async remove(): Promise<void> {
    await this.kill9();
    await this.#watchdog.release();
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  async #configure(): Promise<void> {
    const { plan, cluster, security, folder } = this.#spec;
    const text = propertiesText(plan, cluster, join(folder, 'data'), security, this.#settings);
    await writeFile(join(folder, 'server.properties'), text, { mode: 0o600 });
  }
}
