import type { Log } from '@millrace/log';
import type { Clock, Logger } from '@millrace/runtime';
import type { Compression } from './wire/compression.js';

/** TLS to the brokers. Certificates are always verified; PEM texts, not paths. */
export interface KafkaTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string;
  /** The client's own certificate and key, for brokers that ask for one. */
  readonly cert?: string;
  readonly key?: string;
  /** The name the brokers' certificates are made out to, if not the host's. */
  readonly servername?: string;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** How topics are made. Topics that exist are used as they are and never changed. */
export interface KafkaTopicOptions {
  /** Default: 3, or as many as there are brokers. */
  readonly replication?: number;
  /** Replicas that must have an append before it is acknowledged. Default: one less than `replication`, at least 1. */
  readonly minInsync?: number;
  /** Of event batches, on the wire and in the log. Default none. */
  readonly compression?: Compression;
  /** How long the brokers keep events. Default: for ever; progress records stay until they are trimmed in any case. */
  readonly retention_ms?: number;
  /** Largest record a new topic takes. Default 64 MiB. */
  readonly maxMessage_bytes?: number;
}

export interface KafkaLogOptions {
  /** host:port, at least one that is reachable. */
  readonly brokers: readonly string[];
  /** The pipeline's name: event topics are `<prefix>.<schema>.<table>`, our own `__millrace.<prefix>.…`. */
  readonly prefix: string;
  readonly tls?: boolean | KafkaTls;
  readonly sasl?: KafkaSasl;
  readonly topics?: KafkaTopicOptions;
  /** Creates nothing: for monitors. A log that does not exist is MR-3015. */
  readonly readOnly?: boolean;
  /** How long opening looks for brokers before it is MR-3008. Default 15 s. */
  readonly open_ms?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface KafkaPartitionStats {
  readonly low: bigint;
  readonly high: bigint;
  /** Of the leader's replica on disk; undefined where the brokers do not tell. */
  readonly bytes: number | undefined;
}

export interface KafkaLogStats {
  /** All partitions of events and progress, one replica each; undefined where the brokers do not tell. */
  readonly used_bytes: number | undefined;
  readonly progress: KafkaPartitionStats;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly KafkaPartitionStats[] }[];
  /** What the handle waits for at present. */
  readonly waiting?: string;
}

/** Something a preflight found. */
export interface KafkaFinding {
  readonly severity: 'error' | 'warning';
  /** What is so, and where. */
  readonly finding: string;
  /** What to do about it. */
  readonly fix: string;
}

/** The log port on Kafka. */
export interface KafkaLog extends Log {
  /** Sizes and offsets, for monitors. Asks every broker: not for hot paths. */
  stats(): Promise<KafkaLogStats>;
  /** Looks at brokers, topics and privileges for what would endanger or stop replication. */
  check(): Promise<readonly KafkaFinding[]>;
}
