/** Settings by name, as in server.properties. */
export type KafkaSettings = Readonly<Record<string, string>>;

/** Where one node listens and what it tells clients; all on 127.0.0.1 but what a proxy's address says. */
export interface NodePlan {
  readonly id: number;
  readonly controllerPort: number;
  /** Between brokers. */
  readonly internalPort: number;
  /** For clients. */
  readonly clientPort: number;
  /** For clients that come through a proxy, told to them as `advertised`. */
  readonly proxied?: { readonly port: number; readonly advertised: string } | undefined;
}

/** `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`. */
export type ClientProtocol = `${'SASL_' | ''}${'SSL' | 'PLAINTEXT'}`;

/** How clients' listeners are secured; names in `settings` are without their `listener.name.x.`. */
export interface ClientSecurity {
  readonly protocol: ClientProtocol;
  readonly settings: KafkaSettings;
}

/** Small in memory and threads, quick to start, durable as in production. One node, or three of which one may fail. */
function defaults(nodes: number): KafkaSettings {
  const replication = String(nodes);
  const inSync = nodes > 1 ? String(nodes - 1) : '1';
  return {
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': replication,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'background.threads': '2',
    'num.recovery.threads.per.data.dir': '1',
    // The default of 128 MiB is half of our heap.
    'log.cleaner.dedupe.buffer.size': '4194304',
    // A broker is taken for dead after this long. A killed one that comes back sooner must wait for it, too.
    'broker.session.timeout.ms': nodes > 1 ? '3000' : '1500',
    'broker.heartbeat.interval.ms': '300',
  };
}

const listenerOf = {
  controller: 'CONTROLLER',
  internal: 'INTERNAL',
  client: 'CLIENT',
  proxied: 'PROXIED',
} as const;

function listeners(plan: NodePlan, cluster: readonly NodePlan[], security: ClientSecurity): KafkaSettings {
  const { controller, internal, client, proxied } = listenerOf;
  const at = (name: string, port: number): string => `${name}://127.0.0.1:${port}`;
  const serving = [
    at(internal, plan.internalPort),
    at(client, plan.clientPort),
    ...(plan.proxied ? [at(proxied, plan.proxied.port)] : []),
  ];
  const advertised = [
    ...serving.slice(0, 2),
    ...(plan.proxied ? [`${proxied}://${plan.proxied.advertised}`] : []),
  ];
  const ofClients = Object.entries(security.settings).flatMap(([name, value]) =>
    [client, proxied].map((listener) => [`listener.name.${listener.toLowerCase()}.${name}`, value]),
  );
  return {
    'process.roles': 'broker,controller',
    'node.id': String(plan.id),
    'controller.quorum.voters': cluster
      .map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`)
      .join(),
    'controller.listener.names': controller,
    'inter.broker.listener.name': internal,
    'listener.security.protocol.map': [
      ...[controller, internal].map((name) => `${name}:PLAINTEXT`),
      ...[client, proxied].map((name) => `${name}:${security.protocol}`),
    ].join(),
    listeners: [at(controller, plan.controllerPort), ...serving].join(),
    'advertised.listeners': advertised.join(),
    ...Object.fromEntries(ofClients),
  };
}

/** Escapes a value for Java's properties files. */
export function escapeValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replace(/^ /, '\\ ')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Text of server.properties for the node `plan` of `cluster`, whose data stands in `dataDir`; `settings` win. */
export function propertiesText(
  plan: NodePlan,
  cluster: readonly NodePlan[],
  dataDir: string,
  security: ClientSecurity,
  settings: KafkaSettings,
): string {
  const all = {
    ...defaults(cluster.length),
    ...listeners(plan, cluster, security),
    'log.dirs': dataDir,
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${escapeValue(value)}\n`)
    .join('');
}
