import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Fault, type Logger } from '@millrace/runtime';
import loggers, { type KafkaLogger } from 'kafkajs/src/loggers/index.js';
import Connection, { type SaslOptions } from 'kafkajs/src/network/connection.js';
import type { Api } from '../wire/api.js';
import { apiVersions } from '../wire/apis.js';
import { ProtocolReader } from '../wire/protocol-reader.js';
import { ProtocolWriter } from '../wire/protocol-writer.js';
import { connectFailure } from './connect-fault.js';
import { RequestQueue } from './request-queue.js';
import { Trouble } from './trouble.js';

export interface LinkSettings {
  readonly clientId: string;
  readonly tls: ConnectionOptions | undefined;
  readonly sasl: SaslOptions | undefined;
  readonly logger: Logger;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export const formatEndpoint = ({ host, port }: Endpoint): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const connect_ms = 5_000;
const keepAlive_ms = 15_000;
/** A connection whose session ends sooner is replaced before the next request: a broker would cut it in the middle. */
const reauthenticate_ms = 10_000;
/** No answer is longer; what claims to be is no Kafka listener of this kind (a TLS port asked in plain text, say). */
const answer_bytes_max = 256 * 1024 * 1024;

interface OpenConnection {
  readonly connection: Connection;
  readonly socket: Socket;
  readonly queue: RequestQueue;
  readonly versions: ReadonlyMap<number, { min: number; max: number }>;
}

/**
 * One connection to one broker, opened when first needed and again after it broke. kafkajs brings TCP, TLS and SASL; requests and
 * answers are ours, bytes to bytes. A broker answers the requests of one connection in order, so whatever may wait has a link of its own.
 */
export class BrokerLink {
  readonly endpoint: Endpoint;
  readonly #settings: LinkSettings;
  readonly #kafkaLogger: KafkaLogger;
  #open: OpenConnection | undefined;
  #opening: Promise<OpenConnection> | undefined;
  /** Of the connection that is open or being opened. */
  #socket: Socket | undefined;
  #isClosed = false;

  constructor(endpoint: Endpoint, settings: LinkSettings) {
    this.endpoint = endpoint;
    this.#settings = settings;
    this.#kafkaLogger = kafkaLogger(settings.logger);
  }

  /** Whether the broker speaks this version. Connects if need be. */
  async speaks(api: { readonly key: number; readonly version: number }): Promise<boolean> {
    return supports((await this.#connected()).versions, api);
  }

  /**
   * Sends one request and resolves with its answer. Rejects with `Trouble` (`isSent`: it may have taken effect), MR-3016, MR-3018 or
   * MR-3019.
   */
  async call<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeout_ms: number,
  ): Promise<Response> {
    const open = await this.#connected();
    if (!supports(open.versions, api)) throw this.#unsupported(api, open);
    return await exchange(open, api, request, timeout_ms, this.#settings.clientId, this.#broker);
  }

  /** Ends the present connection; the next request opens another. */
  reset(reason: string): void {
    this.#open = undefined;
    this.#socket?.destroy(new Error(reason));
  }

  close(): void {
    this.#isClosed = true;
    this.#open = undefined;
    this.#socket?.destroy(new Error('the connection was closed'));
  }

  get #broker(): string {
    return formatEndpoint(this.endpoint);
  }

  async #connected(): Promise<OpenConnection> {
    if (this.#isClosed) throw new Trouble('the connection was closed');
    const open = this.#open;
    if (open && isUsable(open, this.#settings)) return open;
    if (open) this.#retire(open);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async #connect(): Promise<OpenConnection> {
    const { host, port } = this.endpoint;
    const { clientId, tls, sasl } = this.#settings;
    let onClose: (failure: Error) => void = () => {};
    const closed = new Promise<never>((_, reject) => {
      onClose = reject;
    });
    closed.catch(() => {});
    let own: Socket | undefined;
    const queue = new RequestQueue((what) => own?.destroy(new Error(`${what} was not answered`)));
    const connection = new Connection({
      host,
      port,
      clientId,
      logger: this.#kafkaLogger,
      ssl: tls ?? null,
      // kafkajs keeps state of the exchange in this object.
      sasl: sasl ? { ...sasl } : null,
      connectionTimeout: connect_ms,
      requestTimeout: connect_ms,
      enforceRequestTimeout: false,
      reauthenticationThreshold: reauthenticate_ms,
      socketFactory: (request) => {
        const socket = openSocket(request);
        own = socket;
        this.#socket = socket;
        // kafkajs listens to neither a close without an error nor an end during TLS's handshake.
        let failure = new Error('the connection was closed');
        socket.once('error', (error) => {
          failure = error;
        });
        socket.once('close', () => {
          queue.rejectAll(failure);
          onClose(failure);
        });
        return socket;
      },
    });
    connection.requestQueue = queue;
    try {
      await Promise.race([connection.connect(), closed]);
      const socket = this.#socket as Socket;
      const open = await Promise.race([this.#introduce(connection, socket, queue), closed]);
      if (this.#isClosed) throw new Trouble('the connection was closed');
      this.#open = open;
      return open;
    } catch (error) {
      // With an error, so that kafkajs ends its own timer.
      this.#socket?.destroy(new Error('given up'));
      throw connectFailure(explained(error, connection, tls !== undefined), this.#broker);
    }
  }

  /** Versions first, then credentials: a broker answers ApiVersions to anybody. */
  async #introduce(connection: Connection, socket: Socket, queue: RequestQueue): Promise<OpenConnection> {
    const { clientId, sasl } = this.#settings;
    const fresh = { connection, socket, queue, versions: new Map() };
    const versions = await exchange(fresh, apiVersions, undefined, connect_ms, clientId, this.#broker);
    connection.setVersions(
      Object.fromEntries(
        [...versions].map(([key, { min, max }]) => [key, { minVersion: min, maxVersion: max }]),
      ),
    );
    connection.setSupportAuthenticationProtocol(true);
    if (sasl) await connection.authenticate();
    return { ...fresh, versions };
  }

  /** Lets the answers under way come, then ends the connection: a broker that sees its end drops what it still had to say. */
  #retire({ queue, socket }: OpenConnection): void {
    this.#open = undefined;
    queue.whenDrained(() => socket.end());
  }

  #unsupported(
    api: { readonly key: number; readonly name: string; readonly version: number },
    open: OpenConnection,
  ): Fault {
    const speaks = open.versions.get(api.key);
    return new Fault('MR-3019', {
      detail: `broker ${this.#broker} speaks ${api.name} ${speaks ? `in versions ${speaks.min} to ${speaks.max}` : 'not at all'}; version ${api.version} is needed`,
    });
  }
}

const supports = (
  versions: OpenConnection['versions'],
  { key, version }: { readonly key: number; readonly version: number },
): boolean => {
  const speaks = versions.get(key);
  return speaks !== undefined && speaks.min <= version && version <= speaks.max;
};

const isUsable = ({ connection, socket }: OpenConnection, { sasl }: LinkSettings): boolean =>
  connection.isConnected() && !socket.destroyed && socket.writable && (!sasl || connection.isAuthenticated());

async function exchange<Request, Response>(
  { connection, socket, queue }: OpenConnection,
  api: Api<Request, Response>,
  request: Request,
  timeout_ms: number,
  clientId: string,
  broker: string,
): Promise<Response> {
  // Closed since it was looked at: nobody would tell the queue again, and nothing of this request goes out.
  if (socket.destroyed) throw new Trouble(`broker ${broker}: the connection was closed`);
  const correlationId = connection.nextCorrelationId();
  const body = new ProtocolWriter();
  body.i16(api.key);
  body.i16(api.version);
  body.i32(correlationId);
  body.nullableString(clientId);
  if (api.flexible) body.tags();
  api.write(body, request);
  const size = Buffer.allocUnsafe(4);
  size.writeInt32BE(body.size_bytes);
  const answer = queue.expect(correlationId, `${api.name} to broker ${broker}`, timeout_ms);
  socket.cork();
  socket.write(size);
  for (const part of body.parts()) socket.write(part);
  socket.uncork();
  const reader = new ProtocolReader(await answer, `${api.name} of broker ${broker}`);
  try {
    if (api.flexible) reader.tags();
    return api.read(reader);
  } catch (cause) {
    // Bytes that were altered on their way: what follows on this connection cannot be trusted, and the request took its effect unheard.
    socket.destroy(new Error('an answer was malformed'));
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Trouble(message, { isSent: true, cause });
  }
}

function openSocket({
  host,
  port,
  ssl,
  onConnect,
}: {
  host: string;
  port: number;
  ssl: ConnectionOptions | null;
  onConnect: () => void;
}): Socket {
  const name = isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  // A request is written whole; waiting for more to send would only delay it.
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAlive_ms);
  return socket;
}

/** Two ends that do not speak the same only see their connection closed. */
function explained(error: unknown, connection: Connection, isTls: boolean): unknown {
  if (connection.bytesNeeded > answer_bytes_max)
    return new Error('what answers there does not speak Kafka in plain text (is it a TLS listener?)');
  const wasClosed = error instanceof Trouble && error.isSent && error.cause !== undefined;
  if (isTls || !wasClosed) return error;
  return new Error(`${error.message} before it said anything (is it a TLS listener?)`);
}

/** kafkajs logs every failed connection as an error; who waits for it says so itself, once. */
function kafkaLogger(logger: Logger): KafkaLogger {
  return loggers.createLogger({
    level: 1,
    logCreator:
      () =>
      ({ namespace, log: { message } }) =>
        logger.debug({ namespace }, message),
  });
}
