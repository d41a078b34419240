import { join } from 'node:path';
import { cacheFolder, freePort, makeServerFolder, removeAbandonedFolders } from '@millrace/local-process';
import { isFault } from '@millrace/runtime';
import { type Distribution, kafkaDistribution } from './distribution.js';
import { KafkaNode } from './node.js';
import type { ClientSecurity, KafkaSettings, NodePlan } from './properties.js';
import { formatByCopy, newClusterId } from './storage.js';

/** Where a node listens for clients behind a proxy. */
export interface ProxiedNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface KafkaOptions {
  /** 1, or 3 of which one may fail (replication 3, 2 in sync). Default 1. */
  readonly nodes?: 1 | 3;
  /** For server.properties, over our defaults. */
  readonly settings?: KafkaSettings;
  /**
   * Gives every node a second listener for clients and says which address they are told there: a proxy's. Called
   * before the nodes start, and again with new ports when one was taken meanwhile.
   */
  readonly advertise?: (node: ProxiedNode) => { readonly host: string; readonly port: number };
  /** More options for the JVMs; the last one wins. `-XX:TieredStopAtLevel=4` for measuring. */
  readonly jvm?: readonly string[];
}

/** Tries of ports that other processes may take between our look and the broker's bind. */
const start_tries = 4;

/** A running cluster of our own, on 127.0.0.1. It ends with this process, however that ends, and its folders go. */
export class KafkaCluster {
  readonly nodes: readonly KafkaNode[];
  /** Bootstrap addresses, `host:port`. */
  readonly brokers: readonly string[];
  /** Bootstrap addresses behind the proxies; empty without `advertise`. */
  readonly proxiedBrokers: readonly string[];

  constructor(nodes: readonly KafkaNode[]) {
    this.nodes = nodes;
    this.brokers = nodes.map(({ address }) => address);
    this.proxiedBrokers = nodes.flatMap(({ proxiedAddress }) => proxiedAddress ?? []);
  }

  /** The node of an id, 1 to 3. */
  node(id: number): KafkaNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new RangeError(`there is no node ${id}`);
    return found;
  }

  /** Ends all nodes at once and removes their folders. */
  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

async function planOf(id: number, advertise: KafkaOptions['advertise']): Promise<NodePlan> {
  const plan = {
    id,
    controllerPort: await freePort(),
    internalPort: await freePort(),
    clientPort: await freePort(),
  };
  if (advertise === undefined) return plan;
  const port = await freePort();
  const { host, port: advertisedPort } = advertise({ id, host: '127.0.0.1', port });
  return { ...plan, proxied: { port, advertised: `${host}:${advertisedPort}` } };
}

/** Makes the nodes' folders and storage. What was made is in `nodes` also when this fails. */
async function makeNodes(
  distribution: Distribution,
  options: KafkaOptions,
  runFolder: string,
  nodes: KafkaNode[],
): Promise<void> {
  const security: ClientSecurity = { protocol: 'PLAINTEXT', settings: {} };
  const programs = { ...distribution, options: [...distribution.options, ...(options.jvm ?? [])] };
  const clusterId = newClusterId();
  const ids = Array.from({ length: options.nodes ?? 1 }, (_, index) => index + 1);
  const cluster: NodePlan[] = [];
  for (const id of ids) cluster.push(await planOf(id, options.advertise));
  for (const plan of cluster) {
    const folder = await makeServerFolder(runFolder, `node${plan.id}`);
    const settings = options.settings ?? {};
    nodes.push(await KafkaNode.create({ plan, cluster, security, settings, folder, programs }));
    await formatByCopy(distribution.bootstrapCheckpoint, folder, plan.id, clusterId);
  }
}

/** Starts all; when one fails, the others end, too. */
async function startAll(nodes: readonly KafkaNode[]): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      try {
        await node.start();
      } catch (error) {
        // The others may be waiting for this one's vote.
        await Promise.all(nodes.map((other) => other.kill9()));
        throw error;
      }
    }),
  );
}

async function tryStart(
  distribution: Distribution,
  options: KafkaOptions,
  runFolder: string,
): Promise<KafkaCluster> {
  const nodes: KafkaNode[] = [];
  try {
    await makeNodes(distribution, options, runFolder, nodes);
    await startAll(nodes);
    return new KafkaCluster(nodes);
  } catch (error) {
    await Promise.all(nodes.map((node) => node.remove()));
    throw error;
  }
}

/**
 * Starts a real Kafka of one or three nodes (KRaft, each broker and controller). The first call on a machine fetches
 * the jars (43 MB) and takes some 10 s more. Throws MR-7002 to MR-7006.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const distribution = await kafkaDistribution();
  const runFolder = join(cacheFolder({ name: 'kafka', shared: false }), 'run');
  await removeAbandonedFolders(runFolder, 'KILL');
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart(distribution, options, runFolder);
    } catch (error) {
      const taken = isFault(error, 'MR-7002') && error.detail.includes('Address already in use');
      if (!taken || attempt === start_tries) throw error;
    }
  }
}
