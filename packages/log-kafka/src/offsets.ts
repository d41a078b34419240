import type { Watermarks } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import type { Topics } from './topics.js';
import { listOffsets } from './wire/apis.js';
import { errorName, kafkaErrors } from './wire/error-codes.js';

const list_ms = 6_000;

/**
 * First retained and next readable offset, from the partition's leader; one attempt. A new leader does not answer before it knows how far
 * its predecessor acknowledged (KIP-207): so everything acknowledged before the call is below `high`. `Trouble`, MR-3005, MR-3007, MR-3017.
 */
export async function readWatermarks(
  topics: Topics,
  topic: KnownTopic,
  partition: number,
): Promise<Watermarks> {
  const { leaderEpoch } = topics.cluster.partition(topic, partition);
  const ask = async (end: 'earliest' | 'latest'): Promise<bigint> => {
    const link = topics.cluster.leader(topic, partition, 'ask');
    const { error, offset } = await link.call(
      listOffsets,
      { topic: topic.name, partition, leaderEpoch, end },
      list_ms,
    );
    if (error !== kafkaErrors.none) throw offsetFailure(error, topic.name, partition);
    return offset;
  };
  try {
    // What is acknowledged while the question is under way may be missing from its answer.
    const reached = topics.endReached(topic, partition);
    // Answered in this order, so the low one is never above the high one.
    const [low, high] = await Promise.all([ask('earliest'), ask('latest')]);
    if (high < reached) throw await rewound(topics, topic, partition, { high, reached });
    topics.reached(topic, partition, high);
    return { low, high };
  } catch (error) {
    if (error instanceof Trouble) topics.stale(topic.name);
    throw error;
  }
}

/** The partition ends before what this handle knew to be in it: it lost records, or the name is another topic's by now (ListOffsets goes by name). */
async function rewound(
  topics: Topics,
  topic: KnownTopic,
  partition: number,
  { high, reached }: { readonly high: bigint; readonly reached: bigint },
): Promise<Error> {
  topics.stale(topic.name);
  const present = await topics.get(topic.name);
  if (present.idText !== topic.idText) return new Trouble(`topic ${topic.name} was deleted and made again`);
  return new Fault('MR-3007', {
    detail: `${topic.name}/${partition} ends at offset ${high}, but reached ${reached} before: acknowledged records are gone`,
    context: { high, reached },
  });
}

function offsetFailure(error: number, topic: string, partition: number): Error {
  if (error === kafkaErrors.topicAuthorizationFailed)
    return new Fault('MR-3017', { detail: `the brokers do not let this user describe topic ${topic}` });
  return new Trouble(`${topic}/${partition}: ${errorName(error)}`);
}
