import type {
  AppendedRange,
  Appender,
  PartitionBatch,
  ProgressRecord,
  Published,
  RecordHead,
} from '@millrace/log';
import { encodeRecord } from '@millrace/log';
import { formatPosition, type Position } from '@millrace/model';
import { backoff_ms, defaultBackoff, Fault, isFault, type Surroundings } from '@millrace/runtime';
import type { ChainFacts } from './chain-facts.js';

/** The fields every record of the epoch begins with. */
export type WriterIdentity = Pick<RecordHead, 'logId' | 'epoch' | 'nonce'>;

export interface ChainWriterOptions {
  readonly identity: WriterIdentity;
  readonly appender: Appender;
  readonly facts: ChainFacts;
  /** Where the chain stands at the own claim. */
  readonly tail: Position;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  /** Told why the log cannot be written, undefined when it can again (promise 10). */
  readonly onWait: (reason: string | undefined) => void;
}

/** Where the chain stands after a record of ours. */
const positionAfter = (record: ProgressRecord, before: Position): Position =>
  record.kind === 'progress' ? record.to : record.kind === 'open' ? record.at : before;

/**
 * Writes one epoch's records, one at a time (R11, R12): numbers them, checks what is acknowledged, folds them into the facts. Not
 * for parallel use.
 */
export class ChainWriter {
  readonly identity: WriterIdentity;
  readonly facts: ChainFacts;
  readonly #options: ChainWriterOptions;
  #seq = 0n;
  #tail: Position;
  #records = 0;
  #bytes = 0;

  constructor(options: ChainWriterOptions) {
    this.identity = options.identity;
    this.facts = options.facts;
    this.#options = options;
    this.#tail = options.tail;
  }

  /** `to` of the newest acknowledged record. */
  get tail(): Position {
    return this.#tail;
  }

  /** Records acknowledged in this epoch. */
  get records(): number {
    return this.#records;
  }

  /** Bytes of events acknowledged in this epoch. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends events ahead of their record. */
  async append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    const ranges = await this.#untilWritten(() => this.#options.appender.append(batches));
    this.#check(ranges);
    this.#count(batches);
    return ranges;
  }

  /** Appends events and their record; `make` gets the head and the acknowledged ranges of these batches. */
  async publish(
    batches: readonly PartitionBatch[],
    make: (head: RecordHead, ranges: readonly AppendedRange[]) => ProgressRecord,
  ): Promise<{ readonly record: ProgressRecord; readonly offset: bigint }> {
    const head: RecordHead = { ...this.identity, seq: this.#seq + 1n };
    let record: ProgressRecord | undefined;
    const published: Published = await this.#untilWritten(() =>
      this.#options.appender.publish(batches, (ranges) => {
        this.#check(ranges);
        record = make(head, ranges);
        return encodeRecord(record);
      }),
    );
    if (!record)
      throw new Fault('MR-9001', { detail: 'the log acknowledged a record without asking for its bytes' });
    this.#seq = head.seq;
    this.#records++;
    this.#count(batches);
    this.#tail = positionAfter(record, this.#tail);
    this.facts.apply(record);
    return { record, offset: published.offset };
  }

  #count(batches: readonly PartitionBatch[]): void {
    for (const { records } of batches) this.#bytes += records.bytes.length;
  }

  /**
   * Unavailable or full logs refuse without effect (else it would be MR-3013): the same is tried again until there is room, so that
   * it heals without a new claim.
   */
  async #untilWritten<T>(write: () => Promise<T>): Promise<T> {
    const { surroundings, signal, onWait } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await write();
        if (attempt > 0) onWait(undefined);
        return result;
      } catch (error) {
        if (!isFault(error, 'MR-3008', 'MR-3009') || signal.aborted) throw error;
        onWait(error.message);
        await surroundings.clock.sleep(backoff_ms(defaultBackoff, attempt, surroundings.random()), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** R10: an acknowledged offset is greater than the last one of its partition, else the topic was made anew. */
  #check(ranges: readonly AppendedRange[]): void {
    for (const { topic, partition, first } of ranges) {
      const covered = this.facts.topicNamed(topic)?.covered[partition];
      if (covered !== undefined && first <= covered)
        throw new Fault('MR-3005', {
          detail: `${topic} partition ${partition} acknowledged offset ${first}, but records cover it up to ${covered} (${formatPosition(this.#tail)})`,
          context: { topic, partition, first, covered },
        });
    }
  }
}
