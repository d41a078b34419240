import type { Codec, EnvelopeOp } from '@millrace/codec';
import {
  type Appender,
  type ChunkNote,
  encodeRecord,
  type Fence,
  FollowerReports,
  type LayoutTopic,
  type Log,
  type OpenRecord,
  type PartitionBatch,
  type ProgressRecord,
  type RecordHead,
  RecordPacker,
  type SnapshotState,
  type TopicRelation,
} from '@millrace/log';
import {
  type Lsn,
  lsn,
  minLsn,
  type Position,
  type Relation,
  type Row,
  rowImageOf,
  type SchemaChange,
} from '@millrace/model';

/** One event to be written, rows as text cells; undefined cells are absent. */
export interface ScriptedEvent {
  readonly topic: number;
  readonly op: EnvelopeOp;
  readonly before?: Row;
  readonly after?: Row;
  readonly flags?: number;
  readonly version?: number;
  readonly partition?: number;
}

type Body<K extends ProgressRecord['kind']> = Omit<
  Extract<ProgressRecord, { kind: K }>,
  keyof RecordHead | 'kind'
>;

/** Writes a chain record by record, exactly as a test says, in place of a capture. */
export class ScriptedChain {
  readonly log: Log;
  readonly #codec: Codec;
  readonly #relations = new Map<string, Relation>();
  readonly #topics = new Map<number, LayoutTopic>();
  readonly #versions = new Map<number, number>();
  #appender: Appender | undefined;
  #fence: Fence = { epoch: 0, nonce: new Uint8Array(16) };
  #seq = 0n;
  #to: Position;

  constructor(log: Log, codec: Codec, start: bigint) {
    this.log = log;
    this.#codec = codec;
    this.#to = { history: 0, end: lsn(start) };
  }

  get position(): Position {
    return this.#to;
  }

  /** A new epoch: claim and `open`. Returns the offset of the `open`. */
  async open(
    options: { readonly snapshots?: readonly SnapshotState[]; readonly fork?: OpenRecord['fork'] } = {},
  ): Promise<bigint> {
    this.#fence = { epoch: this.#fence.epoch + 1, nonce: new Uint8Array(16).fill(this.#fence.epoch + 1) };
    const claim = { ...this.#head(0n), kind: 'claim', host: 'test', pid: 1, version: '0' } as const;
    await this.log.progress.appendClaim(encodeRecord(claim), this.#fence);
    this.#appender = this.log.appender(this.#fence);
    this.#seq = 0n;
    const { fork } = options;
    if (fork) {
      const end = minLsn(this.#to.end, fork.forkAt);
      this.#to = { history: this.#to.history + 1, end };
    }
    return await this.checkpoint(options.snapshots, fork);
  }

  async checkpoint(snapshots: readonly SnapshotState[] = [], fork?: OpenRecord['fork']): Promise<bigint> {
    const relations: TopicRelation[] = [...this.#versions].map(([topic, version]) => ({
      topic,
      version,
      relation: this.#relations.get(`${topic}/${version}`) as Relation,
    }));
    const layout = [...this.#topics.values()];
    const body: Body<'open'> = {
      at: this.#to,
      systemId: 1n,
      timeline: 1,
      ancestry: [],
      layout,
      snapshots,
      relations,
      ...(fork ? { fork } : {}),
    };
    return await this.#publish({ ...this.#next(), kind: 'open', ...body });
  }

  /** Writes the `anchor` that names the `open` at `offset`. */
  async anchorAt(offset: bigint): Promise<void> {
    const { epoch, nonce } = this.#fence;
    await new FollowerReports(this.log).writeAnchor({
      offset,
      epoch,
      nonce,
      seq: this.#seq,
      position: this.#to,
    });
  }

  async table(topic: number, name: string, relation: Relation, partitions = 1): Promise<void> {
    await this.log.createTopic(name, partitions);
    const endOffsets = Array.from({ length: partitions }, () => 0n);
    this.#topics.set(topic, { number: topic, name, partitions, endOffsets });
    await this.#publish({
      ...this.#next(),
      kind: 'layout',
      at: this.#to,
      topics: [...this.#topics.values()],
    });
    await this.schema(topic, relation, [{ kind: 'create-table' }]);
  }

  async schema(
    topic: number,
    relation: Relation,
    changes: readonly SchemaChange[],
    repair = false,
  ): Promise<void> {
    const version = (this.#versions.get(topic) ?? 0) + 1;
    this.#versions.set(topic, version);
    this.#relations.set(`${topic}/${version}`, relation);
    const shape = { topic, version, relation };
    await this.#publish({ ...this.#next(), kind: 'schema', at: this.#to, shape, changes, repair });
  }

  /** One record of one transaction whose commit record stands at `to.end − 1`. */
  async transaction(
    end: bigint,
    events: readonly ScriptedEvent[],
    options: {
      readonly snapshotDone?: boolean;
      readonly chunk?: ChunkNote;
      readonly barrier?: boolean;
      /** Written into the record in place of the true count. */
      readonly count?: number;
    } = {},
  ): Promise<void> {
    const from = this.#to;
    const to = { history: from.history, end: lsn(end) };
    const initial = options.chunk !== undefined && options.chunk.window === undefined;
    const batches = await this.#pack(events, initial ? to.end : lsn(end - 1n), options.chunk, initial);
    await this.#appenderInForce().publish(
      [...batches.values()].map(({ batch }) => batch),
      (ranges) => {
        const named = ranges.map(({ topic, partition, first, last }) => {
          const { number, count } = batches.get(`${topic}/${partition}`) as PackedPartition;
          return { topic: number, partition, first, last, count: options.count ?? count };
        });
        return encodeRecord({
          ...this.#next(),
          kind: 'progress',
          from,
          to,
          eventsEpoch: this.#fence.epoch,
          firstCommit_us: 1n,
          lastCommit_us: 1n,
          transactions: initial ? 0 : 1,
          events: BigInt(events.length),
          ranges: named,
          barrier: options.barrier ?? false,
          snapshotDone: options.snapshotDone ?? false,
          ...(options.chunk ? { chunk: options.chunk } : {}),
        });
      },
    );
    this.#to = to;
  }

  async #pack(
    events: readonly ScriptedEvent[],
    commit: Lsn,
    chunk: ChunkNote | undefined,
    initial: boolean,
  ): Promise<Map<string, PackedPartition>> {
    const batches = new Map<string, PackedPartition & { readonly packer: RecordPacker }>();
    for (const [ordinal, event] of events.entries()) {
      const { name } = this.#topics.get(event.topic) as LayoutTopic;
      const key = `${name}/${event.partition ?? 0}`;
      const packed = batches.get(key) ?? { number: event.topic, count: 0, packer: new RecordPacker() };
      batches.set(key, { ...packed, count: packed.count + 1, batch: undefined as never });
      const version = event.version ?? (this.#versions.get(event.topic) as number);
      await this.#write(packed.packer, event, version, name, {
        flags: (event.flags ?? 0) | (initial ? 2 : 0),
        epoch: this.#fence.epoch,
        commitHigh: Number(commit >> 32n),
        commitLow: Number(commit & 0xffff_ffffn),
        ordinalHigh: initial ? (chunk?.chunk ?? 0) : 0,
        ordinalLow: ordinal,
        relationVersion: version,
      });
    }
    return new Map(
      [...batches].map(([key, { number, count, packer }]) => {
        const [topic, partition] = key.split('/') as [string, string];
        const batch = { topic, partition: Number(partition), records: packer.records() };
        return [key, { number, count, batch }];
      }),
    );
  }

  async #write(
    packer: RecordPacker,
    event: ScriptedEvent,
    version: number,
    topic: string,
    stamp: Parameters<RecordPacker['begin']>[0],
  ): Promise<void> {
    const relation = this.#relations.get(`${event.topic}/${version}`) as Relation;
    const encoder = await this.#codec.encoder(topic, relation);
    const absent = absentBitmap(event.after);
    packer.begin(stamp, absent);
    const image = event.after ?? event.before;
    if (encoder.keyed && image) encoder.key(rowImageOf(image), packer.out);
    packer.beginValue(encoder.keyed && image !== undefined);
    const op =
      event.op === 'd' ? 'delete' : event.op === 't' ? 'truncate' : event.op === 'u' ? 'update' : 'insert';
    const change = {
      op,
      relation,
      lsnHigh: 0,
      lsnLow: 0,
      before: event.before && rowImageOf(event.before),
      beforeIsFull: event.before !== undefined,
      after: event.after && rowImageOf(event.after),
    } as const;
    encoder.value(event.op, change, noContext, packer.out);
    packer.end();
  }

  #appenderInForce(): Appender {
    if (!this.#appender) throw new Error('open an epoch first');
    return this.#appender;
  }

  async #publish(record: ProgressRecord): Promise<bigint> {
    return (await this.#appenderInForce().publish([], () => encodeRecord(record))).offset;
  }

  #next(): RecordHead {
    return this.#head(++this.#seq);
  }

  #head(seq: bigint): RecordHead {
    return { logId: this.log.id, epoch: this.#fence.epoch, nonce: this.#fence.nonce, seq };
  }
}

interface PackedPartition {
  readonly number: number;
  readonly count: number;
  readonly batch: PartitionBatch;
}

const noContext = {
  sourceTime_us: 0n,
  processedAt_us: 0n,
  xid: 1,
  lastCommitHigh: -1,
  lastCommitLow: -1,
  snapshot: 'false',
} as const;

function absentBitmap(row: Row | undefined): Uint8Array {
  if (!row?.includes(undefined)) return new Uint8Array(0);
  const bitmap = new Uint8Array((row.length + 7) >> 3);
  row.forEach((cell, i) => {
    if (cell === undefined) bitmap[i >> 3] = (bitmap[i >> 3] as number) | (1 << (i & 7));
  });
  return bitmap;
}
