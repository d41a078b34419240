import { type SchemaRegistry, type SchemaStore, tableSchemaStore } from '@millrace/codec';
import type { Log } from '@millrace/log';
import type { Fault, Logger } from '@millrace/runtime';
import {
  httpSchemaStore,
  type Patience,
  type RegistryEndpoint,
  type RegistryServer,
  serveRegistry,
} from '@millrace/schema-registry';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { listenAddress } from './listen-address.js';
import { surroundingsFor } from './pipeline.js';

/**
 * How long a call to an external registry keeps trying before its service starts over. Capture would begin a new epoch, and
 * lose the snapshot of a slot just made: it waits long, showing the wait. An applier holds a transaction of its follower open
 * meanwhile: it lets go soon, and waits between its attempts.
 */
export const patience_ms = { capture: 60_000, applier: 2_000 } as const;

/** The external registry that is configured, if one is. */
export function externalRegistry({ codec }: Config): RegistryEndpoint | undefined {
  if (!codec.registry) return undefined;
  const { url, username, password, ca, cert, key } = codec.registry;
  return {
    url,
    ...(username !== undefined && password !== undefined && { credentials: { username, password } }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** The log's own schemas: what is served, and what codecs use unless a registry is configured. */
export const logSchemas = (log: Log): SchemaRegistry => tableSchemaStore(log.table('schemas'));

/** How a service waits for an external registry. */
type ServicePatience = Pick<Patience, 'patience_ms'> & Partial<Pick<Patience, 'signal' | 'onWait'>>;

/** Where codecs register and find schemas. `patience` is an external registry's. */
export function schemaStoreFor(
  { config }: LoadedConfig,
  log: Log,
  logger: Logger,
  patience: ServicePatience,
): SchemaStore {
  const endpoint = externalRegistry(config);
  const { clock, random } = surroundingsFor(logger);
  return endpoint ? httpSchemaStore({ ...endpoint, clock, random, ...patience }) : logSchemas(log);
}

/** What a service waits for at an external registry, and the end of that waiting when the service stops. */
export class RegistryWait {
  readonly #stop = new AbortController();
  #fault: Fault | undefined;

  get fault(): Fault | undefined {
    return this.#fault;
  }

  readonly patience: ServicePatience = {
    patience_ms: patience_ms.capture,
    signal: this.#stop.signal,
    onWait: (fault: Fault | undefined): void => {
      this.#fault = fault;
    },
  };

  /** Ends a wait when `signal` aborts. */
  endWith(signal: AbortSignal): void {
    if (signal.aborted) this.#stop.abort();
    else signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
  }
}

/** Serves the log's schemas if that is configured. Throws MR-6002, MR-5012. */
export async function serveConfigured(
  { config }: LoadedConfig,
  log: Log,
  logger: Logger,
): Promise<RegistryServer | undefined> {
  if (!config.registry) return undefined;
  const { listen, writable, username, password, tls } = config.registry;
  const server = await serveRegistry({
    registry: logSchemas(log),
    listen: listenAddress(listen),
    writable,
    ...(username !== undefined && password !== undefined && { credentials: { username, password } }),
    ...(tls && { tls }),
    logger,
  });
  logger.info({ port: server.port, writable, tls: tls !== undefined }, 'the schema registry answers');
  return server;
}
