import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '@millrace/lag-monitor';
import { Child } from './child.js';

export interface DemoPlaces {
  readonly folder: string;
  readonly leaderUrl: string;
  readonly replicaUrl: string;
  readonly pagerUrl: string;
  /** Kafka's, when the log is Kafka; otherwise it is embedded. */
  readonly brokers?: readonly string[];
}

const status_timeout_ms = 2_000;

/** What one would write oneself, with a budget small enough that a dead applier pages within seconds. */
const configText = ({ pagerUrl, brokers }: DemoPlaces): string => `pipeline: shop
environment: demo
leader: { url: "\${env:DEMO_LEADER_URL}" }
${brokers ? `log: { kafka: { brokers: ${JSON.stringify(brokers)} } }` : 'log: { embedded: {} }'}
followers:
  replica: { postgres: { url: "\${env:DEMO_REPLICA_URL}" } }
  lake: { duckdb: { path: ./lake.duckdb } }
monitor:
  listen: 127.0.0.1:0
  sample: 500ms
  budgets:
    - { follower: replica, warn: 512KiB, page: 1MiB, for: 1s }
    - { follower: "*", warn: 64MiB, page: 256MiB }
    - { follower: capture, warn: 64MiB, page: 256MiB }
  webhook: { url: "${pagerUrl}" }
`;

/** The demo's processes: the real command line, four times, sharing one log. */
export class PipelineProcesses {
  readonly capture: Child;
  readonly replica: Child;
  readonly lake: Child;
  readonly monitor: Child;
  readonly configFile: string;

  constructor(places: DemoPlaces) {
    this.configFile = join(places.folder, 'millrace.yaml');
    writeFileSync(this.configFile, configText(places), { mode: 0o600 });
    const env = {
      ...process.env,
      DEMO_LEADER_URL: places.leaderUrl,
      DEMO_REPLICA_URL: places.replicaUrl,
      NO_COLOR: '1',
    };
    const child = (name: string, ...command: string[]): Child =>
      new Child(name, places.folder, ['--config', this.configFile, '--no-input', ...command], env);
    this.capture = child('capture', 'capture');
    this.replica = child('replica', 'apply', 'replica');
    this.lake = child('lake', 'apply', 'lake');
    this.monitor = child('monitor', 'monitor');
  }

  get all(): readonly Child[] {
    return [this.capture, this.replica, this.lake, this.monitor];
  }

  start(): void {
    for (const child of this.all) child.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((child) => child.stop()));
  }

  /** Throws when a process ended that should run. */
  check(): void {
    for (const child of this.all) child.check();
  }

  /** The monitor's status; undefined until it answers. */
  async status(): Promise<StatusReport | undefined> {
    const port = this.#monitorPort();
    if (port === undefined) return undefined;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/status`, {
        signal: AbortSignal.timeout(status_timeout_ms),
      });
      return answer.ok ? ((await answer.json()) as StatusReport) : undefined;
    } catch {
      return undefined;
    }
  }

  /** It listened on a free port and logged which one. */
  #monitorPort(): number | undefined {
    let text: string;
    try {
      text = readFileSync(this.monitor.logFile, 'utf8');
    } catch {
      return undefined;
    }
    const found = /"port":(\d+)/.exec(text);
    return found ? Number(found[1]) : undefined;
  }
}
