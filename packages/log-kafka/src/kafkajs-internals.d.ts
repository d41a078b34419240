/**
 * The parts of kafkajs 2.2.4 below its public face that this package stands on: one connection (TCP, TLS, SASL) and its logger.
 * kafkajs has no `exports` field, so they can be reached; its version is pinned exactly, because nothing promises them.
 */
declare module 'kafkajs/src/loggers/index.js' {
  export interface KafkaLogger {
    namespace(name: string): KafkaLogger;
  }
  interface Entry {
    readonly namespace: string;
    readonly level: number;
    readonly log: Readonly<Record<string, unknown>> & { readonly message: string };
  }
  const loggers: {
    createLogger(options: {
      level: number;
      logCreator: (level: number) => (entry: Entry) => void;
    }): KafkaLogger;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';
  import type { KafkaLogger } from 'kafkajs/src/loggers/index.js';

  export interface QueueEntry {
    readonly correlationId: number;
    resolve(response: {
      correlationId: number;
      entry: QueueEntry;
      size: number;
      payload: Buffer | null;
    }): void;
    reject(error: Error): void;
  }
  export interface PushedRequest {
    readonly entry: QueueEntry;
    readonly expectResponse: boolean;
    readonly requestTimeout: number | null;
    sendRequest(): void;
  }
  /** What a connection asks of its queue of requests. */
  export interface ConnectionQueue {
    push(request: PushedRequest): void;
    fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
    rejectAll(error: Error): void;
    waitForPendingRequests(): Promise<void>;
    scheduleRequestTimeoutCheck(): void;
    maybeThrottle(throttle_ms: number | null | undefined): void;
    destroy(): void;
  }
  export interface SaslOptions {
    readonly mechanism: string;
    readonly username: string;
    readonly password: string;
  }
  export interface ConnectionSettings {
    readonly host: string;
    readonly port: number;
    readonly logger: KafkaLogger;
    readonly socketFactory: (request: {
      host: string;
      port: number;
      ssl: ConnectionOptions | null;
      onConnect: () => void;
    }) => Socket;
    readonly clientId: string;
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly enforceRequestTimeout: boolean;
    readonly reauthenticationThreshold: number;
    readonly ssl: ConnectionOptions | null;
    readonly sasl: SaslOptions | null;
  }
  export default class Connection {
    constructor(settings: ConnectionSettings);
    requestQueue: ConnectionQueue;
    /** Bytes the answer under way needs, its length included. */
    readonly bytesNeeded: number;
    connect(): Promise<boolean>;
    disconnect(): Promise<boolean>;
    authenticate(): Promise<void>;
    isConnected(): boolean;
    isAuthenticated(): boolean;
    nextCorrelationId(): number;
    setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void;
    setSupportAuthenticationProtocol(isSupported: boolean): void;
  }
}
