import { type Clock, Fault } from '@millrace/runtime';
import { sameBytes } from '../chain.js';
import type { Fence } from '../port.js';
import type { AppendFate, MemoryLogFaults, MemoryOperation } from './faults.js';
import { MemoryLog } from './log.js';
import { MemoryPartition, progressTopic, type StoredRecord } from './partition.js';

export interface MemoryLogOptions {
  readonly clock: Clock;
  /** 16 bytes. Default: all ones. */
  readonly id?: Uint8Array;
  readonly faults?: MemoryLogFaults;
  /** Check fences as the embedded log does (MR-2009). Default false, as Kafka: late records are written and void. */
  readonly conditional?: boolean;
  /** Leave trimming to capture, as Kafka. Default false. */
  readonly needsTrim?: boolean;
}

/** Everything a memory log holds at one moment, to be put back later: a log restored from an older copy. */
export interface MemoryLogImage {
  readonly progress: MemoryPartition;
  readonly topics: ReadonlyMap<string, readonly MemoryPartition[]>;
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
}

const id_bytes = 16;

/** What stands behind all handles of one memory log: the "broker", which outlives its clients. */
export class MemoryLogServer {
  readonly clock: Clock;
  readonly id: Uint8Array;
  readonly needsTrim: boolean;
  faults: MemoryLogFaults;
  progress = new MemoryPartition(progressTopic);
  readonly topics = new Map<string, MemoryPartition[]>();
  readonly tables = new Map<string, Map<string, Uint8Array>>();
  readonly #conditional: boolean;
  #fence: Fence | undefined;
  #waiters = new Set<() => void>();

  constructor(options: MemoryLogOptions) {
    this.clock = options.clock;
    this.id = options.id ?? new Uint8Array(id_bytes).fill(1);
    this.needsTrim = options.needsTrim ?? false;
    this.faults = options.faults ?? {};
    this.#conditional = options.conditional ?? false;
  }

  /** Another client's handle. */
  open(): MemoryLog {
    return new MemoryLog(this);
  }

  partition(topic: string, partition: number): MemoryPartition {
    if (topic === progressTopic) return this.progress;
    const found = this.topics.get(topic)?.[partition];
    if (!found)
      throw new Fault('MR-3005', { detail: `topic ${topic} has no partition ${partition} in this log` });
    return found;
  }

  createTopic(name: string, partitions: number): void {
    const existing = this.topics.get(name);
    if (existing && existing.length !== partitions)
      throw new Fault('MR-3005', {
        detail: `topic ${name} has ${existing.length} partitions, not ${partitions}`,
      });
    if (existing) return;
    this.topics.set(
      name,
      Array.from({ length: partitions }, (_, partition) => new MemoryPartition(`${name}/${partition}`)),
    );
  }

  /** One append request on its way: delayed, applied, repeated, answered or not, as the faults say. */
  async append(
    topic: string,
    partition: number,
    records: readonly Uint8Array[],
    check?: () => void,
  ): Promise<{ first: bigint; last: bigint }> {
    await this.before('append');
    const fate: AppendFate = this.faults.append?.({ topic, partition, count: records.length }) ?? {};
    for (const again_ms of fate.again_ms ?? []) this.#applyLater(topic, partition, records, again_ms, check);
    if (fate.delay_ms) await this.clock.sleep(fate.delay_ms);
    const applied = fate.applied !== false;
    const range = applied ? this.apply(topic, partition, records, fate.hole, check) : undefined;
    if (fate.response_ms) await this.clock.sleep(fate.response_ms);
    if (range && !fate.lost) return range;
    const request = `append of ${records.length} records to ${topic}/${partition}`;
    if (fate.lost) throw new Fault('MR-3013', { detail: `the ${request} was not answered` });
    throw new Fault('MR-3008', { detail: `the ${request} was refused` });
  }

  apply(
    topic: string,
    partition: number,
    records: readonly Uint8Array[],
    hole = 0,
    check?: () => void,
  ): { first: bigint; last: bigint } {
    check?.();
    const range = this.partition(topic, partition).append(records, hole);
    this.wake();
    return range;
  }

  /** Throws MR-2009 when another claim is in force; only under `conditional`. */
  checkFence(fence: Fence): void {
    if (!this.#conditional) return;
    if (!sameFence(this.#fence, fence))
      throw new Fault('MR-2009', {
        detail: `epoch ${fence.epoch} was superseded by epoch ${this.#fence?.epoch ?? 0}`,
      });
  }

  /** A claim in force, under `conditional`: only the next epoch may follow. */
  claim(fence: Fence): void {
    if (!this.#conditional || sameFence(this.#fence, fence)) return;
    if (fence.epoch !== (this.#fence?.epoch ?? 0) + 1)
      throw new Fault('MR-2009', { detail: `epoch ${fence.epoch} was claimed by another capture` });
    this.#fence = fence;
  }

  async before(operation: MemoryOperation): Promise<void> {
    await this.faults.before?.(operation);
  }

  /** Resolves at the next append, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted) return done();
      this.#waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  wake(): void {
    for (const resume of [...this.#waiters]) resume();
  }

  /** A copy of everything, for `restore`. */
  image(): MemoryLogImage {
    return {
      progress: this.progress.copy(),
      topics: new Map(
        [...this.topics].map(([name, partitions]) => [name, partitions.map((partition) => partition.copy())]),
      ),
      tables: new Map([...this.tables].map(([name, table]) => [name, new Map(table)])),
    };
  }

  /** Puts an older copy in place: positions handed out since are beyond the log's end. */
  restore(image: MemoryLogImage): void {
    this.progress = image.progress.copy();
    this.topics.clear();
    for (const [name, partitions] of image.topics)
      this.topics.set(
        name,
        partitions.map((partition) => partition.copy()),
      );
    this.tables.clear();
    for (const [name, table] of image.tables) this.tables.set(name, new Map(table));
    this.wake();
  }

  /** Deletes a topic and makes it again: its offsets start over. */
  recreateTopic(name: string): void {
    const partitions = this.topics.get(name)?.length ?? 1;
    this.topics.delete(name);
    this.createTopic(name, partitions);
    this.wake();
  }

  /** Replaces a partition's records: lost, compacted, swapped or altered ones. */
  tamper(
    topic: string,
    partition: number,
    change: (records: readonly StoredRecord[]) => readonly StoredRecord[],
  ): void {
    const target = this.partition(topic, partition);
    target.records = [...change(target.records)];
    this.wake();
  }

  #applyLater(
    topic: string,
    partition: number,
    records: readonly Uint8Array[],
    after_ms: number,
    check?: () => void,
  ): void {
    void this.clock.sleep(after_ms).then(() => {
      try {
        this.apply(topic, partition, records, 0, check);
      } catch (error) {
        // Nobody waits for a late request: a refused one simply has no effect.
        if (!(error instanceof Fault)) throw error;
      }
    });
  }
}

const sameFence = (held: Fence | undefined, fence: Fence): boolean =>
  held !== undefined && held.epoch === fence.epoch && sameBytes(held.nonce, fence.nonce);
