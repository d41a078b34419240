import { join } from 'node:path';
import {
  cacheFolder,
  freePort,
  makeServerFolder,
  removeAbandonedFolders,
  retryTakenPorts,
} from '@millrace/local-process';
import { makeCertificates } from './certificates.js';
import { type Distribution, kafkaDistribution } from './distribution.js';
import type { KeyPair } from './key-pair.js';
import { KafkaNode } from './node.js';
import type { KafkaPrograms } from './programs.js';
import type { KafkaSettings, NodePlan } from './properties.js';
import { type SaslUser, type SecurityWish, scramUsers, securityOf, writeStores } from './security.js';
import { formatByCopy, formatByTool, newClusterId } from './storage.js';

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
   * Clients' listeners speak TLS, with a certificate of an authority made for this cluster (`cluster.tls`). With
   * `clients: 'must-show'` a client must show one of that authority, too. Between brokers there is none.
   */
  readonly tls?: boolean | { readonly clients: 'must-show' };
  /** Clients must log in as this user. */
  readonly sasl?: SaslUser;
  /**
   * Gives every node a second listener for clients and says which address they are told there: a proxy's. Called
   * before the nodes start, and again with new ports when one was taken meanwhile.
   */
  readonly advertise?: (node: ProxiedNode) => { readonly host: string; readonly port: number };
  /** More options for the JVMs; the last one wins. `-XX:TieredStopAtLevel=4` for measuring. */
  readonly jvm?: readonly string[];
}

/** What a client needs for a cluster with TLS. */
export interface ClientTls extends KeyPair {
  /** The authority's certificate, PEM. */
  readonly ca: string;
}

/** A running cluster of our own, on 127.0.0.1. It ends with this process, however that ends, and its folders go. */
export class KafkaCluster {
  readonly nodes: readonly KafkaNode[];
  /** Bootstrap addresses, `host:port`. */
  readonly brokers: readonly string[];
  /** Bootstrap addresses behind the proxies; empty without `advertise`. */
  readonly proxiedBrokers: readonly string[];

  /** Of clusters with TLS: the authority, and a client's key and certificate of it. */
  readonly tls: ClientTls | undefined;

  constructor(nodes: readonly KafkaNode[], tls?: ClientTls) {
    this.nodes = nodes;
    this.tls = tls;
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

/** What all nodes of one cluster share. */
interface Recipe {
  readonly distribution: Distribution;
  readonly programs: KafkaPrograms;
  readonly options: KafkaOptions;
  readonly wish: SecurityWish;
  readonly runFolder: string;
}

async function makeNode(recipe: Recipe, plan: NodePlan, cluster: readonly NodePlan[]): Promise<KafkaNode> {
  const { options, programs, wish, runFolder } = recipe;
  const folder = await makeServerFolder(runFolder, `node${plan.id}`);
  const settings = options.settings ?? {};
  return KafkaNode.create({ plan, cluster, security: securityOf(wish, folder), settings, folder, programs });
}

async function format(recipe: Recipe, { id, folder }: KafkaNode, clusterId: string): Promise<void> {
  const { wish, programs, distribution } = recipe;
  await writeStores(wish, folder);
  const users = scramUsers(wish);
  if (users.length === 0) await formatByCopy(distribution.bootstrapCheckpoint, folder, id, clusterId);
  else await formatByTool(programs, folder, clusterId, users);
}

/** Makes the nodes' folders and storage. What was made is in `nodes` also when this fails. */
async function makeNodes(recipe: Recipe, nodes: KafkaNode[]): Promise<void> {
  const { nodes: count = 1, advertise } = recipe.options;
  const clusterId = newClusterId();
  const cluster: NodePlan[] = [];
  for (let id = 1; id <= count; id++) cluster.push(await planOf(id, advertise));
  for (const plan of cluster) nodes.push(await makeNode(recipe, plan, cluster));
  await Promise.all(nodes.map((node) => format(recipe, node, clusterId)));
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

async function tryStart(recipe: Recipe): Promise<KafkaCluster> {
  const nodes: KafkaNode[] = [];
  const certificates = recipe.wish.certificates;
  try {
    await makeNodes(recipe, nodes);
    await startAll(nodes);
    return new KafkaCluster(nodes, certificates && { ca: certificates.ca, ...certificates.client });
  } catch (error) {
    await Promise.all(nodes.map((node) => node.remove()));
    throw error;
  }
}

async function wishOf({ tls, sasl }: KafkaOptions): Promise<SecurityWish> {
  const certificates = tls ? await makeCertificates() : undefined;
  return { certificates, sasl, clientCertificates: typeof tls === 'object' };
}

/**
 * Does now what the first `startKafka` on a machine does besides: finds a Java, fetches the jars (44 MB), prepares an
 * archive of classes. Tests' patience is shorter than that. Throws MR-7002 to MR-7006.
 */
export async function prepareKafka(): Promise<void> {
  await kafkaDistribution();
}

/**
 * Starts a real Kafka of one or three nodes (KRaft, each broker and controller). The first call on a machine fetches
 * the jars (44 MB) and takes some 10 s more. Throws MR-7002 to MR-7006.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const distribution = await kafkaDistribution();
  const programs = { ...distribution, options: [...distribution.options, ...(options.jvm ?? [])] };
  const runFolder = join(cacheFolder({ name: 'kafka', shared: false }), 'run');
  await removeAbandonedFolders(runFolder, 'KILL');
  const recipe: Recipe = { distribution, programs, options, wish: await wishOf(options), runFolder };
  return retryTakenPorts(() => tryStart(recipe));
}
