import type { Api } from './api.js';

export interface BrokerAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionMetadata {
  readonly index: number;
  /** −1: none at present. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  readonly id: Uint8Array;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionMetadata[];
  /** Bits by operation number; undefined when not asked for. */
  readonly operations: number | undefined;
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly TopicMetadata[];
}

/** Flexible requests begin with broker-independent versions; this one is asked first, in a version every broker speaks. */
export const apiVersions: Api<undefined, ReadonlyMap<number, { min: number; max: number }>> = {
  key: 18,
  name: 'ApiVersions',
  version: 2,
  flexible: false,
  write() {},
  read(reader) {
    reader.i16();
    return new Map(
      reader.plainArray(() => [reader.i16(), { min: reader.i16(), max: reader.i16() }] as const),
    );
  },
};

const noTopicId = new Uint8Array(16);
const notAsked = -0x8000_0000;

/** `topics` undefined: all. Never creates a topic. Topic ids and look-up need Kafka 3.1. */
export const metadata: Api<
  { readonly topics: readonly string[] | undefined; readonly operations: boolean },
  ClusterMetadata
> = {
  key: 3,
  name: 'Metadata',
  version: 12,
  flexible: true,
  write(out, { topics, operations }) {
    if (topics)
      out.array(topics, (name) => {
        out.uuid(noTopicId);
        out.compactNullableString(name);
        out.tags();
      });
    else out.nullArray();
    out.boolean(false);
    out.boolean(operations);
    out.tags();
  },
  read(reader) {
    reader.i32();
    const brokers = reader.array(() => {
      const broker = { id: reader.i32(), host: reader.compactString(), port: reader.i32() };
      reader.compactNullableString();
      reader.tags();
      return broker;
    });
    reader.compactNullableString();
    reader.i32();
    const topics = reader.array((): TopicMetadata => {
      const head = {
        error: reader.i16(),
        name: reader.compactString(),
        id: reader.uuid(),
        isInternal: reader.boolean(),
      };
      const partitions = reader.array((): PartitionMetadata => {
        reader.i16();
        const partition = {
          index: reader.i32(),
          leader: reader.i32(),
          leaderEpoch: reader.i32(),
          replicas: reader.array(() => reader.i32()),
          inSync: reader.array(() => reader.i32()),
        };
        reader.array(() => reader.i32());
        reader.tags();
        return partition;
      });
      const operations = reader.i32();
      reader.tags();
      return { ...head, partitions, operations: operations === notAsked ? undefined : operations };
    });
    return { brokers, topics };
  },
};

export interface OffsetQuery {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  /** The first retained offset, or the next one readers may not see yet. */
  readonly end: 'earliest' | 'latest';
}

const timestampOf = { earliest: -2n, latest: -1n } as const;

/** One partition at a time: a broker refuses a request that names a partition twice. */
export const listOffsets: Api<OffsetQuery, { readonly error: number; readonly offset: bigint }> = {
  key: 2,
  name: 'ListOffsets',
  version: 7,
  flexible: true,
  write(out, { topic, partition, leaderEpoch, end }) {
    out.i32(-1);
    out.i8(0);
    out.array([topic], (name) => {
      out.compactString(name);
      out.array([partition], (index) => {
        out.i32(index);
        out.i32(leaderEpoch);
        out.i64(timestampOf[end]);
        out.tags();
      });
      out.tags();
    });
    out.tags();
  },
  read(reader) {
    reader.i32();
    const topics = reader.array(() => {
      reader.compactString();
      const partitions = reader.array(() => {
        reader.i32();
        const error = reader.i16();
        reader.i64();
        const offset = reader.i64();
        reader.i32();
        reader.tags();
        return { error, offset };
      });
      reader.tags();
      return partitions;
    });
    return topics[0]?.[0] ?? { error: -1, offset: -1n };
  },
};

/** DeleteRecords of one partition: everything below `offset` may go. */
export const deleteRecords: Api<
  {
    readonly topic: string;
    readonly partition: number;
    readonly offset: bigint;
    readonly timeout_ms: number;
  },
  { readonly error: number; readonly low: bigint }
> = {
  key: 21,
  name: 'DeleteRecords',
  version: 2,
  flexible: true,
  write(out, { topic, partition, offset, timeout_ms }) {
    out.array([topic], (name) => {
      out.compactString(name);
      out.array([partition], (index) => {
        out.i32(index);
        out.i64(offset);
        out.tags();
      });
      out.tags();
    });
    out.i32(timeout_ms);
    out.tags();
  },
  read(reader) {
    reader.i32();
    const topics = reader.array(() => {
      reader.compactString();
      const partitions = reader.array(() => {
        reader.i32();
        const low = reader.i64();
        const error = reader.i16();
        reader.tags();
        return { error, low };
      });
      reader.tags();
      return partitions;
    });
    return topics[0]?.[0] ?? { error: -1, low: -1n };
  },
};
