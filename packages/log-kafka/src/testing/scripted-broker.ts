import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ClusterMetadata } from '../wire/apis.js';
import { ProtocolWriter } from '../wire/protocol-writer.js';

const apiVersionsKey = 18;
const metadataKey = 3;
const length_bytes = 4;

/** Answers ApiVersions, and Metadata as told; nothing else. */
export class ScriptedBroker {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What it says when it is asked for the n-th time, from 0. */
  answer: (number: number) => ClusterMetadata;
  /** How often it was asked for Metadata. */
  asked = 0;

  private constructor(answer: (number: number) => ClusterMetadata) {
    this.answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(answer: (number: number) => ClusterMetadata): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(answer);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get endpoint(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= length_bytes && pending.length >= length_bytes + pending.readInt32BE(0)) {
        const end = length_bytes + pending.readInt32BE(0);
        this.#reply(socket, pending.readInt16BE(length_bytes), pending.readInt32BE(length_bytes + 4));
        pending = pending.subarray(end);
      }
    });
  }

  #reply(socket: Socket, key: number, correlationId: number): void {
    const out = new ProtocolWriter();
    out.i32(correlationId);
    if (key === apiVersionsKey) {
      out.i16(0);
      out.i32(1);
      out.i16(metadataKey);
      out.i16(0);
      out.i16(12);
      out.i32(0);
    } else writeMetadata(out, this.answer(this.asked++));
    const size = Buffer.alloc(length_bytes);
    size.writeInt32BE(out.size_bytes);
    socket.write(Buffer.concat([size, ...out.parts()]));
  }
}

/** Version 12. */
function writeMetadata(out: ProtocolWriter, { brokers, topics }: ClusterMetadata): void {
  out.tags();
  out.i32(0);
  out.array(brokers, ({ id, host, port }) => {
    out.i32(id);
    out.compactString(host);
    out.i32(port);
    out.compactNullableString(undefined);
    out.tags();
  });
  out.compactNullableString('cluster');
  out.i32(-1);
  out.array(topics, ({ error, name, id, isInternal, partitions }) => {
    out.i16(error);
    out.compactString(name);
    out.uuid(id);
    out.boolean(isInternal);
    out.array(partitions, ({ index, leader, leaderEpoch, replicas, inSync }) => {
      out.i16(0);
      out.i32(index);
      out.i32(leader);
      out.i32(leaderEpoch);
      for (const ids of [replicas, inSync, []]) out.array(ids, (id) => out.i32(id));
      out.tags();
    });
    out.i32(-0x8000_0000);
    out.tags();
  });
  out.tags();
}
