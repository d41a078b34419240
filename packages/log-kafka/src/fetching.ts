import { Fault } from '@millrace/runtime';
import type { KnownTopic, Purpose } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import { readWatermarks } from './offsets.js';
import type { Topics } from './topics.js';
import { BatchCursor } from './wire/batch-cursor.js';
import { fetch } from './wire/data-apis.js';
import { errorName, kafkaErrors } from './wire/error-codes.js';

/** What a Fetch brought: whole record batches, of which the first holds or follows `start`. */
export interface Chunk {
  readonly start: bigint;
  /** Behind the last whole batch; `start` when there is none. */
  readonly end: bigint;
  /** The watermarks at that moment. */
  readonly low: bigint;
  readonly high: bigint;
  readonly records: Buffer;
}

export interface FetchOptions {
  readonly max_bytes: number;
  /** How long the broker may wait for the first byte. */
  readonly wait_ms: number;
  readonly purpose: Purpose;
}

/** On top of the broker's wait. */
const answer_ms = 8_000;
const nothing = Buffer.alloc(0);

/**
 * One Fetch from the leader at an explicit offset; never a reset. An offset below the low watermark is MR-3003; one beyond the end brings
 * an empty chunk, or MR-3007 when this handle knows that the end was there. A batch that arrives damaged is fetched once more, on a new
 * connection, before it is MR-3012. `Trouble` for what passes.
 */
export async function fetchChunk(
  topics: Topics,
  topic: KnownTopic,
  partition: number,
  offset: bigint,
  options: FetchOptions,
  isSecond = false,
): Promise<Chunk> {
  const { max_bytes, wait_ms, purpose } = options;
  const { leaderEpoch } = topics.cluster.partition(topic, partition);
  try {
    const link = topics.cluster.leader(topic, partition, purpose);
    const request = { topicId: topic.id, partition, leaderEpoch, offset, max_bytes, wait_ms };
    const fetched = await link.call(fetch, request, wait_ms + answer_ms);
    if (fetched.error === kafkaErrors.offsetOutOfRange)
      return await outOfRange(topics, topic, partition, offset);
    if (fetched.error !== kafkaErrors.none) throw fetchFailure(fetched.error, topic.name, partition);
    const { low, high, records } = fetched;
    const end = endOf(records, offset, `${topic.name}/${partition}`);
    if (end === undefined) {
      link.reset('a batch arrived damaged');
      if (isSecond) throw damaged(topic.name, partition, offset);
      return await fetchChunk(topics, topic, partition, offset, options, true);
    }
    topics.reached(topic, partition, end);
    return { start: offset, end, low, high, records };
  } catch (error) {
    if (error instanceof Trouble) topics.stale(topic.name);
    throw error;
  }
}

async function outOfRange(
  topics: Topics,
  topic: KnownTopic,
  partition: number,
  offset: bigint,
): Promise<Chunk> {
  const { low, high } = await readWatermarks(topics, topic, partition);
  if (offset < low)
    throw new Fault('MR-3003', {
      detail: `${topic.name}/${partition} begins at offset ${low}, offset ${offset} is needed`,
      context: { topic: topic.name, partition, low, offset },
    });
  return { start: offset, end: offset, low, high, records: nothing };
}

/** Where the last whole batch ends; undefined when a batch is not what its checksum says. */
function endOf(records: Buffer, offset: bigint, what: string): bigint | undefined {
  const cursor = new BatchCursor(records, what);
  let end = offset;
  for (let next = cursor.peekEnd(); next !== undefined; next = cursor.peekEnd()) {
    if (!cursor.hasGoodChecksum()) return undefined;
    if (next > end) end = next;
    cursor.skipBatch();
  }
  return end;
}

function fetchFailure(error: number, topic: string, partition: number): Error {
  if (error === kafkaErrors.topicAuthorizationFailed)
    return new Fault('MR-3017', { detail: `the brokers do not let this user read topic ${topic}` });
  return new Trouble(`${topic}/${partition}: ${errorName(error)}`);
}

const damaged = (topic: string, partition: number, offset: bigint): Fault =>
  new Fault('MR-3012', {
    detail: `${topic}/${partition}, from offset ${offset}: a record batch does not match its checksum, also when fetched again`,
    context: { topic, partition, offset },
  });
