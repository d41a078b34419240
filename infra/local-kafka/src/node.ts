import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalServer } from '@millrace/local-process';
import { brokerProgram } from './broker.js';
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

/** One broker (and controller) of a cluster. One of three can `stop` in order only while another one runs. */
export class KafkaNode extends LocalServer {
  readonly id: number;
  readonly host = '127.0.0.1';
  /** Of the clients' listener; the same after every start. */
  readonly port: number;
  readonly #spec: NodeSpec;
  #settings: KafkaSettings;

  private constructor(spec: NodeSpec) {
    super(spec.folder);
    this.id = spec.plan.id;
    this.port = spec.plan.clientPort;
    this.#spec = spec;
    this.#settings = spec.settings;
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

  /**
   * Starts the node on its port and data, with changed settings if given; resolves when it serves. In a cluster of
   * three it waits for a second node. Throws MR-7002.
   */
  async start(settings: KafkaSettings = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    await this.#configure();
    await this.run(await brokerProgram(this.#spec.programs, this.folder));
  }

  async #configure(): Promise<void> {
    const { plan, cluster, security, folder } = this.#spec;
    const text = propertiesText(plan, cluster, join(folder, 'data'), security, this.#settings);
    await writeFile(join(folder, 'server.properties'), text, { mode: 0o600 });
  }
}
