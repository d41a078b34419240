import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bankTables, prepareLeader } from '@millrace/oracle';
import { type PgServer, startPostgres, TcpProxy, tempFolder } from '@millrace/test-support';
import { KafkaBackbone } from '../kafka-backbone.js';
import { PageReceiver } from '../page-receiver.js';
import { type Part, Pipeline, parts } from '../pipeline.js';
import { firstProbeText, probeTable, probeText } from './probe.js';

export const oracleSlot = 'oracle';
export const everyPart: readonly Part[] = [...parts, 'monitor'];

const heapNote = fileURLToPath(new URL('./heap-note.js', import.meta.url));
/** Small, so that the log has come to its size before the first third of a run is over. */
const retention = '{ bytes: 32MiB, age: 20s, followers: hold }';
/** Low, so that faults raise pages. */
const budgets = `[{ follower: '*', warn: 128KiB, page: 256KiB, for: 2s }]`;
const conf = { wal_sender_timeout: '10s', max_wal_size: '128MB', min_wal_size: '64MB' };

/** A leader and a follower behind proxies, a pager, the log, and all parts as processes. */
export class SoakScene implements AsyncDisposable {
  readonly leader: PgServer;
  readonly follower: PgServer;
  readonly leaderProxy: TcpProxy;
  readonly followerProxy: TcpProxy;
  readonly pager: PageReceiver;
  readonly backbone: KafkaBackbone | undefined;
  readonly pipeline: Pipeline;
  /** Temporary folder of the processes. */
  readonly temporary: string;
  /** Where the processes note their heaps. */
  readonly notes: string;
  readonly monitorUrl: string;

  private constructor(servers: Servers, pager: PageReceiver, monitorPort: number) {
    this.leader = servers.leader;
    this.follower = servers.follower;
    this.leaderProxy = servers.leaderProxy;
    this.followerProxy = servers.followerProxy;
    this.backbone = servers.backbone;
    this.pager = pager;
    const folder = tempFolder('millrace-soak');
    this.temporary = join(folder, 'tmp');
    this.notes = join(folder, 'notes');
    for (const each of [this.temporary, this.notes]) mkdirSync(each);
    this.monitorUrl = `http://127.0.0.1:${monitorPort}`;
    this.pipeline = new Pipeline({
      folder,
      leaderUrl: this.leaderProxy.urlThrough(this.leader.url),
      replicaUrl: this.followerProxy.urlThrough(this.follower.url),
      tables: [...bankTables, probeTable],
      webhook: pager.url,
      retention,
      budgets,
      monitorPort,
      environment: {
        TMPDIR: this.temporary,
        MILLRACE_SOAK_NOTES: this.notes,
        NODE_OPTIONS: `--import=${heapNote}`,
      },
      ...(this.backbone && { log: this.backbone.yaml }),
    });
  }

  static async set(kafka: 1 | 3 | undefined): Promise<SoakScene> {
    const leader = await startPostgres({ version: 18, conf });
    const follower = await startPostgres({ version: 18, conf });
    const client = await leader.connect();
    await prepareLeader(client, oracleSlot);
    await client.query(probeText);
    await client.query(firstProbeText);
    await client.end();
    const servers = {
      leader,
      follower,
      leaderProxy: await TcpProxy.startBefore(leader.url),
      followerProxy: await TcpProxy.startBefore(follower.url),
      backbone: kafka && (await KafkaBackbone.start(kafka)),
    };
    return new SoakScene(servers, await PageReceiver.start(), await freePort());
  }

  open(): void {
    for (const part of everyPart) this.pipeline.start(part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pipeline.destroy();
    await this.leaderProxy.stop();
    await this.followerProxy.stop();
    await this.pager[Symbol.asyncDispose]();
    await this.backbone?.[Symbol.asyncDispose]();
    await this.leader.remove();
    await this.follower.remove();
  }
}

interface Servers {
  readonly leader: PgServer;
  readonly follower: PgServer;
  readonly leaderProxy: TcpProxy;
  readonly followerProxy: TcpProxy;
  readonly backbone: KafkaBackbone | undefined;
}

/** A monitor that is started again has to answer where it did before. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
