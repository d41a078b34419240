import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { ChainReader } from '@millrace/log';
import { type Clock, systemClock } from '@millrace/runtime';
import { waitFor } from '@millrace/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BrokerLink } from './connection/broker-link.js';
import type { KafkaLog } from './options.js';
import { claimBytes, eventsOf, fence, readPlaces } from './testing/events.js';
import { freshPrefix, openTestLog } from './testing/harness.js';
import { OutsideClient } from './testing/outside.js';
import type { Api } from './wire/api.js';
import { listOffsets } from './wire/apis.js';
import { fetch } from './wire/data-apis.js';
import { kafkaErrors } from './wire/error-codes.js';

let cluster: KafkaCluster;
const open: KafkaLog[] = [];

beforeAll(async () => {
  cluster = await startKafka();
});
afterAll(async () => {
  await cluster?.remove();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const log of open.splice(0)) await log.close();
});

async function openOne(prefix: string, clock: Clock = systemClock): Promise<KafkaLog> {
  const log = await openTestLog(cluster.brokers, prefix, { clock });
  open.push(log);
  return log;
}

/** What a leader says that does not know yet how far its predecessor acknowledged: no records, a low end, and no offsets (KIP-207). */
function answersAsNewLeader(while_: () => boolean): { fetches: number } {
  const seen = { fetches: 0 };
  const { call } = BrokerLink.prototype;
  const late = (api: Api<unknown, unknown>): unknown => {
    if (api.key === fetch.key) {
      seen.fetches++;
      return { error: kafkaErrors.none, high: 0n, low: 0n, records: Buffer.alloc(0) };
    }
    return api.key === listOffsets.key ? { error: kafkaErrors.offsetNotAvailable, offset: -1n } : undefined;
  };
  vi.spyOn(BrokerLink.prototype, 'call').mockImplementation(async function (
    this: BrokerLink,
    api: Api<unknown, unknown>,
    request: unknown,
    timeout_ms: number,
  ) {
    const answer = while_() ? late(api) : undefined;
    return answer ?? (await call.call(this, api, request, timeout_ms));
  });
  return seen;
}

describe('a leader that does not know yet what its predecessor acknowledged', () => {
  it('is waited for when records that are known to be there are read back, not taken for a log that went back', async () => {
    const prefix = freshPrefix();
    const log = await openOne(prefix);
    await log.progress.appendClaim(claimBytes(log), fence);
    const reader = new ChainReader(log, { kind: 'start' });
    await reader.verify();
    // The end is asked of the old leader, the records are asked of the new one.
    let answers = Number.POSITIVE_INFINITY;
    const { watermarks } = log.progress;
    vi.spyOn(log.progress, 'watermarks').mockImplementation(async () => {
      const marks = await watermarks();
      answers = 0;
      return marks;
    });
    answersAsNewLeader(() => answers++ < 3);
    expect(await reader.readToHead()).toHaveLength(1);
  });

  it('is waited for by a handle that knows nothing of the log yet', async () => {
    const prefix = freshPrefix();
    const log = await openOne(prefix);
    await log.progress.appendClaim(claimBytes(log), fence);
    const fresh = await openOne(prefix);
    let answers = 0;
    answersAsNewLeader(() => answers++ < 3);
    const { records } = await fresh.progress.read(0n, 1);
    expect(records).toHaveLength(1);
  });

  it('is waited for, visibly, by who reads events that a record names: they are not gone', async () => {
    const prefix = freshPrefix();
    const topic = `${prefix}.public.orders`;
    const writer = await openOne(prefix);
    await writer.createTopic(topic, 1);
    const [range] = await writer.appender(fence).append([{ topic, partition: 0, records: eventsOf(1, 2) }]);
    // Half a minute of pauses passes in a moment.
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) };
    const log = await openOne(prefix, clock);
    let isNew = true;
    const seen = answersAsNewLeader(() => isNew);
    const places = readPlaces(log, range!);
    places.catch(() => {});
    await waitFor(() => log.waiting()?.includes('OFFSET_NOT_AVAILABLE') === true, { what: 'a visible wait' });
    expect(seen.fetches).toBeGreaterThan(100);
    isNew = false;
    expect(await places).toEqual(['1.0', '1.1']);
  });
});

describe('a handle that did not wait for long', () => {
  it('waits on where the log is now, though what was its end is trimmed', async () => {
    const prefix = freshPrefix();
    const [log, other] = [await openOne(prefix), await openOne(prefix)];
    await log.progress.appendClaim(claimBytes(log), fence);
    await log.progress.wait(0n, AbortSignal.timeout(100));
    for (let i = 0; i < 3; i++) await other.progress.appendClaim(claimBytes(other), fence);
    await other.trim({ progressBefore: 3n, eventsBefore: [] });
    const woken = log.progress.wait(3n, AbortSignal.timeout(20_000)).then(() => 'woken');
    await other.progress.appendClaim(claimBytes(other), fence);
    expect(await woken).toBe('woken');
    expect((await log.progress.watermarks()).high).toBe(5n);
  });
});

describe('a small table whose topic was made anew', () => {
  it('has the rows of the new topic alone', async () => {
    const prefix = freshPrefix();
    const [log, other] = [await openOne(prefix), await openOne(prefix)];
    const table = log.table('followers');
    for (const key of ['a', 'b', 'c']) await table.put(key, Buffer.from('old'));
    expect(await table.entries()).toHaveLength(3);
    const outside = new OutsideClient(cluster.brokers);
    const topic = `__millrace.${prefix}.followers`;
    await outside.admin((admin) => admin.deleteTopics({ topics: [topic] }));
    await waitFor(
      async () =>
        await outside
          .create(topic, { 'cleanup.policy': 'compact' })
          .then(() => true)
          .catch(() => false),
      { what: 'the topic to be made anew' },
    );
    await other.table('followers').put('d', Buffer.from('new'));
    await waitFor(async () => (await table.entries().catch(() => [])).map(([key]) => key).join() === 'd', {
      what: 'the rows of the new topic',
    });
  });
});
