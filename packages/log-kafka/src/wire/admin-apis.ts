import type { Api } from './api.js';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly timeout_ms: number;
}

export const createTopics: Api<
  NewTopic,
  { readonly error: number; readonly message: string | undefined; readonly id: Uint8Array }
> = {
  key: 19,
  name: 'CreateTopics',
  version: 7,
  flexible: true,
  write(out, topic) {
    out.array([topic], ({ name, partitions, replication, configs }) => {
      out.compactString(name);
      out.i32(partitions);
      out.i16(replication);
      out.array([], () => {});
      out.array(Object.entries(configs), ([key, value]) => {
        out.compactString(key);
        out.compactNullableString(value);
        out.tags();
      });
      out.tags();
    });
    out.i32(topic.timeout_ms);
    out.boolean(false);
    out.tags();
  },
  read(reader) {
    reader.i32();
    const topics = reader.array(() => {
      reader.compactString();
      const id = reader.uuid();
      const error = reader.i16();
      const message = reader.compactNullableString();
      reader.i32();
      reader.i16();
      reader.array(() => {
        reader.compactString();
        reader.compactNullableString();
        reader.boolean();
        reader.i8();
        reader.boolean();
        reader.tags();
      });
      reader.tags();
      return { error, message, id };
    });
    return topics[0] ?? { error: -1, message: undefined, id: new Uint8Array(16) };
  },
};

export const configResources = { topic: 2, broker: 4 } as const;

export interface DescribedConfigs {
  readonly error: number;
  readonly message: string | undefined;
  readonly values: ReadonlyMap<string, string>;
}

export const describeConfigs: Api<
  { readonly resource: number; readonly name: string; readonly keys: readonly string[] },
  DescribedConfigs
> = {
  key: 32,
  name: 'DescribeConfigs',
  version: 4,
  flexible: true,
  write(out, request) {
    out.array([request], ({ resource, name, keys }) => {
      out.i8(resource);
      out.compactString(name);
      out.array(keys, (key) => out.compactString(key));
      out.tags();
    });
    out.boolean(false);
    out.boolean(false);
    out.tags();
  },
  read(reader) {
    reader.i32();
    const results = reader.array((): DescribedConfigs => {
      const error = reader.i16();
      const message = reader.compactNullableString();
      reader.i8();
      reader.compactString();
      const values = new Map<string, string>();
      reader.array(() => {
        const name = reader.compactString();
        const value = reader.compactNullableString();
        reader.boolean();
        reader.i8();
        reader.boolean();
        reader.array(() => {
          reader.compactString();
          reader.compactNullableString();
          reader.i8();
          reader.tags();
        });
        reader.i8();
        reader.compactNullableString();
        reader.tags();
        if (value !== undefined) values.set(name, value);
      });
      reader.tags();
      return { error, message, values };
    });
    return results[0] ?? { error: -1, message: undefined, values: new Map() };
  },
};

export interface ReplicaSize {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: bigint;
}

/** Sizes of the replicas one broker holds of these topics. */
export const describeLogDirs: Api<
  { readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[] },
  { readonly error: number; readonly replicas: readonly ReplicaSize[] }
> = {
  key: 35,
  name: 'DescribeLogDirs',
  version: 2,
  flexible: true,
  write(out, { topics }) {
    out.array(topics, ({ name, partitions }) => {
      out.compactString(name);
      out.array(partitions, (partition) => out.i32(partition));
      out.tags();
    });
    out.tags();
  },
  read(reader) {
    reader.i32();
    const replicas: ReplicaSize[] = [];
    let worst = 0;
    reader.array(() => {
      const error = reader.i16();
      if (error !== 0) worst = error;
      reader.compactString();
      reader.array(() => {
        const topic = reader.compactString();
        reader.array(() => {
          const partition = reader.i32();
          const bytes = reader.i64();
          reader.i64();
          const isFuture = reader.boolean();
          reader.tags();
          if (!isFuture) replicas.push({ topic, partition, bytes });
        });
        reader.tags();
      });
      reader.tags();
    });
    return { error: worst, replicas };
  },
};

export const describeCluster: Api<undefined, { readonly error: number; readonly operations: number }> = {
  key: 60,
  name: 'DescribeCluster',
  version: 0,
  flexible: true,
  write(out) {
    out.boolean(true);
    out.tags();
  },
  read(reader) {
    reader.i32();
    const error = reader.i16();
    reader.compactNullableString();
    reader.compactString();
    reader.i32();
    reader.array(() => {
      reader.i32();
      reader.compactString();
      reader.i32();
      reader.compactNullableString();
      reader.tags();
    });
    return { error, operations: reader.i32() };
  },
};
