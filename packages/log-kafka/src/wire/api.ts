import type { ProtocolReader } from './protocol-reader.js';
import type { ProtocolWriter } from './protocol-writer.js';

/** One request of Kafka's protocol in one version: numbers and layouts from https://kafka.apache.org/protocol */
export interface Api<Request, Response> {
  readonly key: number;
  readonly name: string;
  readonly version: number;
  /** Flexible versions have tagged fields in both headers. */
  readonly flexible: boolean;
  write(out: ProtocolWriter, request: Request): void;
  read(reader: ProtocolReader): Response;
}
