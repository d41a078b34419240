import { Fault, type Logger, silentLogger } from '@millrace/runtime';
import { LogicalReplicationService } from 'pg-logical-replication';
import { serverFault, sqlStateOf } from '../connection/server-fault.js';
import { clientConfig, endClient, overTlsWays, type PgClient } from '../connection/session.js';
import {
  describeTarget,
  type PostgresTarget,
  parsePostgresUrl,
  type TlsSettings,
} from '../connection/target.js';
import { quoteIdentifier, quoteLiteral } from '../quote.js';
import { ReusingSocket } from '../wire/reusing-socket.js';
import { Patience } from './liveness.js';
import type { WalRequest, WalSource, WalStream } from './wal-source.js';
import { identifyServer } from './walsender-identity.js';
import { WalsenderStream } from './walsender-stream.js';

export interface LibraryWalSourceOptions {
  readonly url: string;
  readonly applicationName?: string;
  readonly logger?: Logger;
  /** Shared by all sources of one slot, one after the other; default one of its own. */
  readonly patience?: Patience;
}

/**
 * WAL through pg-logical-replication: it opens, owns and ends the connection, and calls our plugin on it. The plugin then
 * takes the socket over before START_REPLICATION is sent, because of what the library's own stream would do: confirm
 * LSN + 1, never answer a keepalive, report one position for three, hand out buffers that it overwrites, and make an
 * object and two strings per message. Its own acknowledging is off (`auto: false, timeoutSeconds: 0`).
 */
export function createLibraryWalSource(options: LibraryWalSourceOptions): WalSource {
  const target = parsePostgresUrl(options.url);
  const patience = options.patience ?? new Patience();
  return {
    async open(request) {
      try {
        return await overTlsWays(target, (tls) => openStream(target, tls, { ...options, patience }, request));
      } catch (error) {
        throw startFault(error, request.slot, target);
      }
    },
  };
}

async function openStream(
  target: PostgresTarget,
  tls: TlsSettings | false,
  options: LibraryWalSourceOptions & { readonly patience: Patience },
  request: WalRequest,
): Promise<WalStream> {
  const service = new LogicalReplicationService(
    {
      ...clientConfig(target, tls, {
        role: 'leader',
        ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
      }),
      // TLS reads into buffers of its own.
      ...(tls === false && { stream: () => new ReusingSocket() }),
    },
    { acknowledge: { auto: false, timeoutSeconds: 0 } },
  );
  const logger = options.logger ?? silentLogger;
  // The stream reports its own end; what the library emits beside it is the same news again.
  service.on('error', (error) =>
    logger.debug({ err: error }, 'the replication connection reported an error'),
  );
  const plugin = new StartPlugin(request, options.patience);
  // Resolves when the connection has ended; the stream itself tells why.
  const ended = service.subscribe(
    plugin as unknown as Parameters<typeof service.subscribe>[0],
    request.slot,
    '0/0',
  );
  ended.catch((error: unknown) => plugin.refuse(error));
  try {
    return await plugin.opened;
  } catch (error) {
    if (plugin.client) await endClient(plugin.client);
    throw error;
  }
}

/** What the library calls once it has connected. Structurally its AbstractPlugin, which the package does not export. */
class StartPlugin {
  readonly name = 'millrace';
  readonly options: WalRequest;
  readonly opened: Promise<WalStream>;
  client: PgClient | undefined;
  readonly #patience: Patience;
  #open: (stream: WalStream) => void = () => undefined;
  refuse: (error: unknown) => void = () => undefined;

  constructor(request: WalRequest, patience: Patience) {
    this.options = request;
    this.#patience = patience;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.refuse = reject;
    });
  }

  async start(client: PgClient, slot: string): Promise<void> {
    this.client = client;
    const identity = await identifyServer(client);
    const stream = new WalsenderStream(client, identity, this.#patience);
    await stream.start(startReplication(slot, this.options.options));
    this.#open(stream);
    await stream.ended;
  }

  parse(): never {
    throw new Fault('MR-9001', { detail: 'the replication library parsed a message that is not its own' });
  }
}

/** Position 0/0: the server starts at what the slot has confirmed. Naming another place could only skip commits. */
function startReplication(slot: string, options: Readonly<Record<string, string>>): string {
  const list = Object.entries(options)
    .map(([name, value]) => `${quoteIdentifier(name)} ${quoteLiteral(value)}`)
    .join(', ');
  return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (${list})`;
}

/** Faults of starting that say more than the SQLSTATE alone. */
function startFault(error: unknown, slot: string, target: PostgresTarget): Fault {
  if (error instanceof Fault) return error;
  const state = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const context = { slot, server: describeTarget(target) };
  if (state === '55006') {
    return new Fault('MR-2004', { detail: `slot ${slot} is in use: ${message}`, context, cause: error });
  }
  if (state === '42704' && /slot/.test(message)) {
    return new Fault('MR-2005', { detail: `slot ${slot} does not exist`, context, cause: error });
  }
  if (state === '55000' && /slot|wal/i.test(message) && !/wal_level/.test(message)) {
    return new Fault('MR-2005', { detail: `slot ${slot} cannot be read: ${message}`, context, cause: error });
  }
  return serverFault('leader', error, `starting replication from slot ${slot}`, context);
}
