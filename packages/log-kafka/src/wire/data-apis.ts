import type { Api } from './api.js';

/** A topic in Produce and Fetch: by id, so that a topic made anew under the same name is refused instead of mistaken. */
export interface TopicKey {
  readonly name: string;
  readonly id: Uint8Array;
}

export interface PartitionProduce {
  readonly topic: TopicKey;
  readonly partition: number;
  /** One record batch: brokers take exactly one per partition and request. */
  readonly batch: Buffer;
}

export interface ProduceRequest {
  readonly partitions: readonly PartitionProduce[];
  /** How long the broker may wait for the replicas. */
  readonly timeout_ms: number;
}

export interface PartitionProduced {
  readonly topicName: string | undefined;
  readonly topicId: Uint8Array | undefined;
  readonly partition: number;
  readonly error: number;
  /** Offset of the batch's first record. */
  readonly offset: bigint;
  readonly message: string | undefined;
}

/** acks = all */
const allReplicas = -1;

const produceIn = (version: number): Api<ProduceRequest, readonly PartitionProduced[]> => {
  const byId = version >= produceById_version;
  return {
    key: 0,
    name: 'Produce',
    version,
    flexible: true,
    write(out, { partitions, timeout_ms }) {
      out.compactNullableString(undefined);
      out.i16(allReplicas);
      out.i32(timeout_ms);
      out.array(byTopic(partitions), (group) => {
        const { topic } = group[0] as PartitionProduce;
        if (byId) out.uuid(topic.id);
        else out.compactString(topic.name);
        out.array(group, ({ partition, batch }) => {
          out.i32(partition);
          out.splice(batch);
          out.tags();
        });
        out.tags();
      });
      out.tags();
    },
    read(reader) {
      const produced: PartitionProduced[] = [];
      reader.array(() => {
        const topicId = byId ? reader.uuid() : undefined;
        const topicName = byId ? undefined : reader.compactString();
        reader.array(() => {
          const partition = reader.i32();
          const error = reader.i16();
          const offset = reader.i64();
          reader.i64();
          reader.i64();
          const reasons = reader.array(() => {
            reader.i32();
            const reason = reader.compactNullableString();
            reader.tags();
            return reason;
          });
          const message = reader.compactNullableString() ?? reasons[0];
          reader.tags();
          produced.push({ topicName, topicId, partition, error, offset, message });
        });
        reader.tags();
      });
      reader.i32();
      return produced;
    },
  };
};

const produceById_version = 13;
/** Kafka 4.1 on. */
export const produceById = produceIn(produceById_version);
/** Older brokers: the topic's id is compared before and its offsets after (R10). */
export const produceByName = produceIn(9);

function byTopic(partitions: readonly PartitionProduce[]): PartitionProduce[][] {
  const groups = new Map<string, PartitionProduce[]>();
  for (const partition of partitions) {
    const group = groups.get(partition.topic.name);
    if (group) group.push(partition);
    else groups.set(partition.topic.name, [partition]);
  }
  return [...groups.values()];
}

export interface FetchRequest {
  readonly topicId: Uint8Array;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
  /** Upper bound of the records returned; one larger batch still comes whole. */
  readonly max_bytes: number;
  /** How long the broker may wait for the first byte; 0 answers at once. */
  readonly wait_ms: number;
}

export interface Fetched {
  readonly error: number;
  readonly high: bigint;
  readonly low: bigint;
  /** Record batches, the last one possibly cut. A view into the response. */
  readonly records: Buffer;
}

const readUncommitted = 0;
const noSession = -1;
const noEpoch = -1;

/** One partition, outside any session, by topic id. Isolation is read uncommitted: no rule rests on isolation levels (R19). */
export const fetch: Api<FetchRequest, Fetched> = {
  key: 1,
  name: 'Fetch',
  version: 13,
  flexible: true,
  write(out, { topicId, partition, leaderEpoch, offset, max_bytes, wait_ms }) {
    out.i32(-1);
    out.i32(wait_ms);
    out.i32(1);
    out.i32(max_bytes);
    out.i8(readUncommitted);
    out.i32(0);
    out.i32(noSession);
    out.array([topicId], (id) => {
      out.uuid(id);
      out.array([partition], (index) => {
        out.i32(index);
        out.i32(leaderEpoch);
        out.i64(offset);
        out.i32(noEpoch);
        out.i64(-1n);
        out.i32(max_bytes);
        out.tags();
      });
      out.tags();
    });
    out.array([], () => {});
    out.compactString('');
    out.tags();
  },
  read(reader) {
    reader.i32();
    const requestError = reader.i16();
    reader.i32();
    const topics = reader.array(() => {
      reader.uuid();
      const partitions = reader.array((): Fetched => {
        reader.i32();
        const error = reader.i16();
        const high = reader.i64();
        reader.i64();
        const low = reader.i64();
        reader.array(() => {
          reader.i64();
          reader.i64();
          reader.tags();
        });
        reader.i32();
        const records = reader.compactBytes();
        reader.tags();
        return { error, high, low, records };
      });
      reader.tags();
      return partitions;
    });
    const nothing = Buffer.alloc(0);
    if (requestError !== 0) return { error: requestError, high: -1n, low: -1n, records: nothing };
    return topics[0]?.[0] ?? { error: -1, high: -1n, low: -1n, records: nothing };
  },
};
