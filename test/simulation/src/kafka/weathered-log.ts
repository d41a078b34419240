import {
  type AppendedRange,
  type Appender,
  type AppendFate,
  type Fence,
  type Log,
  type LogTable,
  type MemoryLogFaults,
  type PackedRecords,
  type PartitionBatch,
  type Published,
  progressTopic,
  type ReadOptions,
  type ReadRange,
} from '@millrace/log';
import { Fault, isFault } from '@millrace/runtime';
import type { WorldClock } from '../world-clock.js';
import type { LatePost } from './late-post.js';

export interface LogWeather {
  readonly clock: WorldClock;
  /** The script of the memory log's faults; holes are left out, for only transactions make them. */
  readonly faults: MemoryLogFaults;
  readonly post: LatePost;
}

/** A request with nothing unusual about it. */
const isOrdinary = ({ applied, delay_ms, again_ms, lost, response_ms }: AppendFate): boolean =>
  applied !== false && !lost && !delay_ms && !response_ms && !again_ms?.length;

/** A real log whose requests meet the fates that a memory log's meet: what is repeated or late is sent, what is lost is not told. */
export function weatheredLog(log: Log, weather: LogWeather): Log {
  const { progress } = log;
  const { faults } = weather;
  const after = async <T>(
    operation: Parameters<NonNullable<MemoryLogFaults['before']>>[0],
    work: () => Promise<T>,
  ): Promise<T> => {
    await faults.before?.(operation);
    return await work();
  };
  return {
    get id() {
      return log.id;
    },
    needsTrim: log.needsTrim,
    progress: {
      appendClaim: (bytes, fence) => claim(log, weather, new Uint8Array(bytes), fence),
      read: (from, max_bytes) => after('read', () => progress.read(from, max_bytes)),
      watermarks: () => after('watermarks', () => progress.watermarks()),
      wait: (offset, signal) => progress.wait(offset, signal),
    },
    topics: () => after('topics', () => log.topics()),
    createTopic: (name, partitions) => after('topics', () => log.createTopic(name, partitions)),
    watermarks: (topic, partition) => after('watermarks', () => log.watermarks(topic, partition)),
    appender: (fence) => new WeatheredAppender(log.appender(fence), fence, weather),
    read: (range, options) => stalledRead(log, faults, range, options),
    table: (name) => stalledTable(log.table(name), faults),
    trim: (request) => after('trim', () => log.trim(request)),
    waiting: () => log.waiting(),
    close: () => log.close(),
  };
}

async function* stalledRead(
  log: Log,
  faults: MemoryLogFaults,
  range: ReadRange,
  options: ReadOptions,
): AsyncGenerator<PackedRecords, void, void> {
  await faults.before?.('read');
  yield* log.read(range, options);
}

function stalledTable(table: LogTable, faults: MemoryLogFaults): LogTable {
  const after = async <T>(work: () => Promise<T>): Promise<T> => {
    await faults.before?.('table');
    return await work();
  };
  return {
    get: (key) => after(() => table.get(key)),
    put: (key, value) => after(() => table.put(key, value)),
    delete: (key) => after(() => table.delete(key)),
    entries: () => after(() => table.entries()),
  };
}

async function claim(log: Log, weather: LogWeather, bytes: Uint8Array, fence: Fence): Promise<bigint> {
  await weather.faults.before?.('append');
  const send = (to: Log): Promise<bigint> => to.progress.appendClaim(bytes, fence);
  return await request(weather, fateOf(weather, progressTopic, 0, 1), () => send(log), send);
}

const fateOf = ({ faults }: LogWeather, topic: string, partition: number, count: number): AppendFate =>
  faults.append?.({ topic, partition, count }) ?? {};

/** One append request under its fate. */
async function request<T>(
  { post, clock }: LogWeather,
  fate: AppendFate,
  send: () => Promise<T>,
  again: (log: Log) => Promise<unknown>,
): Promise<T> {
  for (const again_ms of fate.again_ms ?? []) post.later(again_ms, again);
  if (fate.delay_ms) await clock.sleep(fate.delay_ms);
  const answer = fate.applied === false ? undefined : { value: await send() };
  if (fate.response_ms) await clock.sleep(fate.response_ms);
  if (fate.lost) throw new Fault('MR-3013', { detail: 'the append was not answered' });
  if (!answer) throw new Fault('MR-3008', { detail: 'the append was refused' });
  return answer.value;
}

/** Hands whole appends on while nothing is to happen to them; otherwise every partition's request meets its own fate. */
class WeatheredAppender implements Appender {
  readonly #inner: Appender;
  readonly #fence: Fence;
  readonly #weather: LogWeather;

  constructor(inner: Appender, fence: Fence, weather: LogWeather) {
    this.#inner = inner;
    this.#fence = fence;
    this.#weather = weather;
  }

  async append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    return await this.#append(batches, this.#fatesOf(batches));
  }

  async publish(
    batches: readonly PartitionBatch[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published> {
    const fates = this.#fatesOf(batches);
    const fate = fateOf(this.#weather, progressTopic, 0, 1);
    if (isOrdinary(fate) && fates.every(isOrdinary)) {
      await this.#weather.faults.before?.('append');
      return await this.#inner.publish(batches, record);
    }
    const ranges = await this.#append(batches, fates);
    await this.#weather.faults.before?.('append');
    const bytes = new Uint8Array(record(ranges));
    const send = (to: Appender): Promise<Published> => to.publish([], () => bytes);
    const { offset } = await request(
      this.#weather,
      fate,
      () => send(this.#inner),
      (log) => send(log.appender(this.#fence)),
    );
    return { offset, ranges };
  }

  #fatesOf(batches: readonly PartitionBatch[]): AppendFate[] {
    return batches.map(({ topic, partition, records }) =>
      records.count > 0 ? fateOf(this.#weather, topic, partition, records.count) : {},
    );
  }

  async #append(
    batches: readonly PartitionBatch[],
    fates: readonly AppendFate[],
  ): Promise<readonly AppendedRange[]> {
    await this.#weather.faults.before?.('append');
    if (fates.every(isOrdinary)) return await this.#inner.append(batches);
    const outcomes = await Promise.allSettled(
      batches.map((batch, i) => this.#one(batch, fates[i] as AppendFate)),
    );
    return together(outcomes);
  }

  async #one(batch: PartitionBatch, fate: AppendFate): Promise<readonly AppendedRange[]> {
    const { bytes, count } = batch.records;
    // The caller reuses its memory once the append settles; late requests do not care.
    const kept = { ...batch, records: { bytes: new Uint8Array(bytes), count } };
    return await request(
      this.#weather,
      fate,
      () => this.#inner.append([batch]),
      (log) => log.appender(this.#fence).append([kept]),
    );
  }
}

/** Some partitions took it, others refused: what the log holds now is unknown to the caller (R11). */
function together(outcomes: readonly PromiseSettledResult<readonly AppendedRange[]>[]): AppendedRange[] {
  const ranges: AppendedRange[] = [];
  let failure: unknown;
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') ranges.push(...outcome.value);
    else if (failure === undefined || !isFault(failure, 'MR-3013')) failure = outcome.reason;
  }
  if (failure === undefined) return ranges;
  if (isFault(failure, 'MR-3008') && ranges.length > 0)
    throw new Fault('MR-3013', { detail: 'only some partitions took the append', cause: failure });
  throw failure;
}
