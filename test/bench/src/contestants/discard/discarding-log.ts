import {
  type AppendedRange,
  type Appender,
  type Fence,
  type Log,
  type LogTable,
  MemoryLogServer,
  type PackedRecords,
  type PartitionBatch,
  type ProgressPartition,
  type Published,
  type ReadOptions,
  type ReadRange,
  type TopicInfo,
  type TrimRequest,
  type Watermarks,
} from '@millrace/log';
import { systemClock } from '@millrace/runtime';

/**
 * A log for measuring what comes before it: events are forgotten, uncopied; the chain of progress records and
 * the tables are kept in memory, so that capture works as on any log.
 */
export class DiscardingLog implements Log {
  readonly #server = new MemoryLogServer({ clock: systemClock });
  readonly #memory = this.#server.open();

  get id(): Uint8Array {
    return this.#memory.id;
  }

  get needsTrim(): boolean {
    return false;
  }

  get progress(): ProgressPartition {
    return this.#memory.progress;
  }

  topics(): Promise<readonly TopicInfo[]> {
    return this.#memory.topics();
  }

  createTopic(name: string, partitions: number): Promise<void> {
    return this.#memory.createTopic(name, partitions);
  }

  watermarks(topic: string, partition: number): Promise<Watermarks> {
    return this.#memory.watermarks(topic, partition);
  }

  appender(fence: Fence): Appender {
    const chain = this.#memory.appender(fence);
    return {
      append: async (batches) => this.#discard(batches),
      publish: async (batches, record): Promise<Published> => {
        const ranges = this.#discard(batches);
        const { offset } = await chain.publish([], () => record(ranges));
        return { offset, ranges };
      },
    };
  }

  read(range: ReadRange, options: ReadOptions): AsyncIterable<PackedRecords> {
    return this.#memory.read(range, options);
  }

  table(name: string): LogTable {
    return this.#memory.table(name);
  }

  trim(request: TrimRequest): Promise<void> {
    return this.#memory.trim(request);
  }

  waiting(): string | undefined {
    return undefined;
  }

  close(): Promise<void> {
    return this.#memory.close();
  }

  /** Moves the partitions' ends on, as if the events lay there. */
  #discard(batches: readonly PartitionBatch[]): AppendedRange[] {
    const ranges: AppendedRange[] = [];
    for (const { topic, partition, records } of batches) {
      if (records.count === 0) continue;
      const store = this.#server.partition(topic, partition);
      const first = store.high;
      store.high += BigInt(records.count);
      ranges.push({ topic, partition, first, last: store.high - 1n });
    }
    return ranges;
  }
}
