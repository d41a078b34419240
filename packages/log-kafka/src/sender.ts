import type { AppendedRange } from '@millrace/log';
import { backoff_ms, Fault } from '@millrace/runtime';
import { appendOutcome, refusalReason } from './append-outcome.js';
import { type BrokerLink, formatEndpoint } from './connection/broker-link.js';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import { brokerBackoff, closedFault, type PersistSurroundings } from './persist.js';
import type { Topics } from './topics.js';
import type { Wait } from './waits.js';
import type { EncodedBatch } from './wire/batch-encoder.js';
import { type PartitionProduced, produceById, produceByName } from './wire/data-apis.js';
import { errorName, kafkaErrors } from './wire/error-codes.js';

/** What is to be appended to one partition, batch by batch. */
export interface Load {
  readonly topic: string;
  readonly partition: number;
  next(): Promise<EncodedBatch | undefined>;
}

/** How long a broker may wait for its replicas, and how long we wait for its answer: half-open connections end then. */
const replicas_ms = 15_000;
const answer_ms = 18_000;
/** One request holds about so much; brokers refuse 100 MB. A larger batch goes alone. */
const request_bytes = 8 * 1024 * 1024;
const shownAfter_ms = 300;
const slow_ms = 1_000;

/** One partition's part of an append under way. */
interface Lane {
  readonly load: Load;
  readonly key: string;
  batch: EncodedBatch | undefined;
  first: bigint | undefined;
  last: bigint;
}

/** A lane with its present leader. */
interface Routed {
  readonly lane: Lane;
  readonly topic: KnownTopic;
  readonly batch: EncodedBatch;
}

interface Unanswered {
  readonly since_ms: number;
  readonly link: BrokerLink;
  readonly routed: readonly Routed[];
}

/**
 * Appends to partitions, at most one request per partition at a time (R10): who calls `send` sees to it that no other call for the same
 * partition is under way. Every broker gets one request per round, all brokers at once.
 */
export class Sender {
  readonly #topics: Topics;
  readonly #surroundings: PersistSurroundings;
  readonly #acknowledged = new Map<string, bigint>();
  /** Requests under way, the oldest first. */
  readonly #unanswered = new Set<Unanswered>();

  constructor(topics: Topics, surroundings: PersistSurroundings) {
    this.#topics = topics;
    this.#surroundings = surroundings;
  }

  /**
   * Resolves when everything is acknowledged, with one range per partition that had records. Refusals are repeated with the same bytes as
   * long as it takes, visibly. Rejects with MR-3013 when the outcome of a request is unknown, with MR-3005, MR-3006, MR-3017, MR-3020 or
   * MR-3024 when it will never be taken, with MR-3008 when the handle was closed before anything went out. `over` ends repeating: whose
   * append it is was superseded, and is told MR-3013; it aborts with the handle's end, too.
   */
  async send(loads: readonly Load[], over?: AbortSignal): Promise<AppendedRange[]> {
    const lanes = loads.map(
      (load): Lane => ({
        load,
        key: `${load.topic}/${load.partition}`,
        batch: undefined,
        first: undefined,
        last: -1n,
      }),
    );
    const ready: Lane[] = [];
    for (const lane of lanes) if (await advance(lane)) ready.push(lane);
    await this.#drain(ready, () => lanes.some(({ first }) => first !== undefined), over);
    return lanes.flatMap(({ load: { topic, partition }, first, last }) =>
      first === undefined ? [] : [{ topic, partition, first, last }],
    );
  }

  async #drain(ready: Lane[], isBegun: () => boolean, over: AbortSignal | undefined): Promise<void> {
    const { clock, closing, waits } = this.#surroundings;
    let pending = ready;
    let wait: Wait | undefined;
    let refusals = 0;
    let refused_ms = 0;
    try {
      while (pending.length > 0) {
        if (closing.aborted)
          throw isBegun() ? interrupted('this handle of the log was closed') : closedFault();
        if (over?.aborted) throw interrupted('a newer claim was made');
        const { left, refusal } = await this.#round(pending);
        pending = left;
        if (refusal === undefined) {
          refusals = 0;
          wait?.end();
          wait = undefined;
          continue;
        }
        if (refusals === 0) refused_ms = clock.monotonic();
        if (wait) wait.because(refusal);
        else if (clock.monotonic() - refused_ms >= shownAfter_ms) wait = waits.begin(refusal);
        await clock.sleep(backoff_ms(brokerBackoff, refusals++, Math.random()), over ?? closing);
      }
    } finally {
      wait?.end();
    }
  }

  /** One request to each leader. Returns the lanes that are not finished, and why one of them was refused. */
  async #round(
    pending: readonly Lane[],
  ): Promise<{ readonly left: Lane[]; readonly refusal: string | undefined }> {
    const refusals: string[] = [];
    const requests = new Map<BrokerLink, { routed: Routed[]; bytes: number }>();
    for (const lane of pending) {
      try {
        await this.#route(lane, requests);
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        this.#topics.stale(lane.load.topic);
        refusals.push(error.message);
      }
    }
    const outcomes = await Promise.allSettled(
      [...requests].map(([link, { routed }]) => this.#request(link, routed)),
    );
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (failures.length > 0) throw worst(failures);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') refusals.push(...outcome.value);
    const left: Lane[] = [];
    for (const lane of pending) if (lane.batch || (await advance(lane))) left.push(lane);
    return { left, refusal: refusals[0] };
  }

  async #route(lane: Lane, requests: Map<BrokerLink, { routed: Routed[]; bytes: number }>): Promise<void> {
    const { topic: name, partition } = lane.load;
    const batch = lane.batch as EncodedBatch;
    const topic = await this.#topics.getToWrite(name);
    const link = this.#topics.cluster.leader(topic, partition, 'write');
    const request = requests.get(link);
    if (!request) {
      requests.set(link, { routed: [{ lane, topic, batch }], bytes: batch.bytes.length });
    } else if (request.bytes + batch.bytes.length <= request_bytes) {
      request.routed.push({ lane, topic, batch });
      request.bytes += batch.bytes.length;
    }
    // Otherwise its turn comes in a later round.
  }

  /** Returns why partitions refused; throws what is ambiguous or final. */
  async #request(link: BrokerLink, routed: readonly Routed[]): Promise<string[]> {
    let answers: readonly PartitionProduced[];
    const request = { since_ms: this.#surroundings.clock.monotonic(), link, routed };
    this.#unanswered.add(request);
    try {
      const api = (await link.speaks(produceById)) ? produceById : produceByName;
      const partitions = routed.map(({ lane, topic, batch }) => ({
        topic,
        partition: lane.load.partition,
        batch: batch.bytes,
      }));
      answers = await link.call(api, { partitions, timeout_ms: replicas_ms }, answer_ms);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      for (const { topic } of routed) this.#topics.stale(topic.name);
      if (error.isSent) throw uncertain(keys(routed), error.message, error);
      return [error.message];
    } finally {
      this.#unanswered.delete(request);
    }
    return this.#judge(routed, answers);
  }

  /** An append that a broker holds back, for replicas that do not follow say, is a wait like any other (promise 10). */
  get slowest(): string | undefined {
    const now_ms = this.#surroundings.clock.monotonic();
    for (const { since_ms, link, routed } of this.#unanswered)
      if (now_ms - since_ms >= slow_ms)
        return `broker ${formatEndpoint(link.endpoint)} has not acknowledged an append to ${keys(routed)} yet`;
    return undefined;
  }

  /** Every answer is taken in before any failure is thrown: what was acknowledged stays acknowledged. */
  #judge(routed: readonly Routed[], answers: readonly PartitionProduced[]): string[] {
    const refusals: string[] = [];
    const failures: unknown[] = [];
    for (const one of routed) {
      const answer = answers.find((candidate) => isAbout(candidate, one));
      try {
        if (!answer) throw uncertain(one.lane.key, 'the broker’s answer does not mention it');
        const refusal = this.#judgeOne(one, answer);
        if (refusal !== undefined) refusals.push(refusal);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw worst(failures);
    return refusals;
  }

  #judgeOne(
    { lane, topic, batch }: Routed,
    { error, offset, message }: PartitionProduced,
  ): string | undefined {
    switch (appendOutcome(error)) {
      case 'appended':
        this.#acknowledge(lane, topic, batch, offset);
        return undefined;
      case 'refused': {
        const before = topic.partitions[lane.load.partition];
        this.#topics.stale(topic.name);
        return refusalReason(error, lane.key, before);
      }
      case 'final':
        throw finalFault(error, lane.key, message);
      case 'ambiguous':
        throw uncertain(lane.key, message ?? errorName(error));
    }
  }

  /** R10: an acknowledgement needs an offset, greater than the last one of its partition. */
  #acknowledge(lane: Lane, topic: KnownTopic, batch: EncodedBatch, offset: bigint): void {
    const { partition } = lane.load;
    const identity = `${topic.idText}/${partition}`;
    const before = this.#acknowledged.get(identity);
    if (offset < 0n || (before !== undefined && offset <= before))
      throw new Fault('MR-3005', {
        detail: `${lane.key} acknowledged offset ${offset}${before === undefined ? '' : ` after ${before}`}`,
        context: { topic: topic.name, partition, offset },
      });
    const last = offset + BigInt(batch.count) - 1n;
    this.#acknowledged.set(identity, last);
    this.#topics.reached(topic, partition, last + 1n);
    lane.first ??= offset;
    lane.last = last;
    lane.batch = undefined;
    batch.release?.();
  }
}

/** Encodes the lane's next batch; false when it is finished. */
async function advance(lane: Lane): Promise<boolean> {
  lane.batch = await lane.load.next();
  return lane.batch !== undefined;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const isAbout = (answer: PartitionProduced, { lane, topic }: Routed): boolean =>
  answer.partition === lane.load.partition &&
  (answer.topicId ? sameBytes(answer.topicId, topic.id) : answer.topicName === topic.name);

/** The partitions of a request, for people: a few of them. */
function keys(routed: readonly Routed[]): string {
  const named = routed.slice(0, named_max).map(({ lane }) => lane.key);
  const more = routed.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const named_max = 3;

const uncertain = (partition: string, reason: string, cause?: unknown): Fault =>
  new Fault('MR-3013', {
    detail: `an append to ${partition} may or may not have been taken: ${reason}`,
    ...(cause !== undefined && { cause }),
  });

const interrupted = (why: string): Fault =>
  new Fault('MR-3013', { detail: `${why} in the middle of an append` });

function finalFault(error: number, partition: string, message: string | undefined): Fault {
  const why = message ?? errorName(error);
  switch (error) {
    case kafkaErrors.messageTooLarge:
    case kafkaErrors.recordListTooLarge:
      return new Fault('MR-3020', { detail: `${partition} refused a batch as too large: ${why}` });
    case kafkaErrors.topicAuthorizationFailed:
    case kafkaErrors.clusterAuthorizationFailed:
      return new Fault('MR-3017', {
        detail: `the brokers do not let this user write to ${partition}: ${why}`,
      });
    default:
      return new Fault('MR-3024', { detail: `${partition} refused an append for good: ${why}` });
  }
}

/** What an operator must see comes before what passes by a new claim. */
function worst(failures: readonly unknown[]): unknown {
  return failures.find((failure) => !(failure instanceof Fault && failure.code === 'MR-3013')) ?? failures[0];
}
