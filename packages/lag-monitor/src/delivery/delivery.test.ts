import { setTimeout as sleep } from 'node:timers/promises';
import { InProcessJobs, type JobHandler, type JobRunner, type NewJob } from '@millrace/jobs';
import { MemoryLogServer } from '@millrace/log';
import { Fault, silentLogger, systemClock } from '@millrace/runtime';
import { waitFor } from '@millrace/test-support';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PageFields } from '../pages/page.js';
import { Delivery, type DeliveryOptions } from './delivery.js';
import type { DeliveryAttempt, DeliveryResult, Notification, Notifier } from './notifier.js';
import { type Outbox, tableOutbox } from './outbox.js';

const surroundings = { clock: systemClock, logger: silentLogger, random: () => 0 };
const retry = { backoff: { first_ms: 20, max_ms: 20, factor: 1 }, attempts_max: 100 };

/** A receiver that answers as it is told, then with success. */
class Receiver implements Notifier {
  readonly channel = 'webhook';
  disabled = false;
  readonly tried: string[] = [];
  readonly sent: string[] = [];
  answers: (DeliveryAttempt['result'] | 'hang')[] = [];
  down = false;

  async attempt({ id }: Notification, signal: AbortSignal): Promise<DeliveryAttempt> {
    this.tried.push(id);
    const answer = this.down ? 'retry' : (this.answers.shift() ?? 'sent');
    if (answer === 'hang') {
      await sleep(60_000, undefined, { signal }).catch(() => undefined);
      return { result: 'retry', reason: 'aborted' };
    }
    await sleep(2);
    if (answer === 'sent') this.sent.push(id);
    if (answer === 'disabled') this.disabled = true;
    return { result: answer, reason: 'told so' };
  }
}

/** Jobs on a server that can be away, and that keeps them when the process ends. */
class ServerJobs implements JobRunner {
  readonly kind = 'redis';
  readonly durable = true;
  away = false;
  readonly #kept: Map<string, NewJob>;
  readonly #inner = new InProcessJobs({ retry, surroundings });

  constructor(kept = new Map<string, NewJob>()) {
    this.#kept = kept;
  }

  async start(handler: JobHandler): Promise<void> {
    await this.#inner.start(async (attempt) => {
      if (this.away) return { kind: 'later', in_ms: 20 };
      const verdict = await handler(attempt);
      if (verdict.kind === 'done' || verdict.kind === 'drop') this.#kept.delete(attempt.id);
      return verdict;
    });
    for (const job of this.#kept.values()) await this.#inner.enqueue({ ...job, delay_ms: 0 });
  }

  async enqueue(job: NewJob) {
    if (this.away) throw new Fault('MR-6003', { detail: 'away' });
    this.#kept.set(job.id, job);
    return this.#inner.enqueue(job);
  }

  cancel = (id: string) => this.#inner.cancel(id);
  status = () =>
    this.away
      ? { state: 'waiting' as const, fault: new Fault('MR-6003', { detail: 'away' }) }
      : this.#inner.status();
  close = (timeout_ms: number) => this.#inner.close(timeout_ms);
}

let receiver: Receiver;
let outbox: Outbox;
let results: DeliveryResult[];
let open: Delivery[];
beforeEach(() => {
  receiver = new Receiver();
  outbox = tableOutbox(new MemoryLogServer({ clock: systemClock }).open().table('outbox'));
  results = [];
  open = [];
});
afterEach(() => Promise.all(open.map((delivery) => delivery.close(0))));

async function begin(options: Partial<DeliveryOptions> = {}): Promise<Delivery> {
  const lastResort = new InProcessJobs({ retry: options.retry ?? retry, surroundings });
  const delivery = new Delivery({
    notifiers: [receiver],
    outbox,
    jobs: lastResort,
    lastResort,
    retry,
    surroundings,
    onResult: (_, result) => results.push(result),
    onFault: () => undefined,
    turn_ms: 50,
    ...options,
  });
  open.push(delivery);
  await delivery.start();
  return delivery;
}

let second = 0;
const page = (alert: string, type: 'page' | 'resolve' = 'page'): Notification => ({
  id: `${alert}/1/${type}`,
  fields: {
    type,
    dedup_key: alert,
    sampled_at: new Date(Date.UTC(2026, 0, 5) + second++ * 1_000).toISOString(),
    text: 'behind',
  } as PageFields,
});

const nothingOwed = (delivery: Delivery): Promise<unknown> =>
  waitFor(async () => delivery.status().owed === 0 && (await outbox.owed()).length === 0, {
    what: 'nothing is owed',
  });

for (const kind of ['in this process', 'on a server']) {
  const runner = (): Partial<DeliveryOptions> => (kind === 'on a server' ? { jobs: new ServerJobs() } : {});

  it(`${kind}: sends at once, and repeats under the same id until the receiver has it`, async () => {
    receiver.answers = ['retry', 'retry', 'sent'];
    const delivery = await begin(runner());
    await delivery.tell(page('a'));
    await nothingOwed(delivery);
    expect(receiver.tried).toEqual(['a/1/page', 'a/1/page', 'a/1/page']);
    expect(results).toEqual(['retry', 'retry', 'sent']);
  });

  it(`${kind}: never lets a resolve overtake its page, nor one alert hold up another`, async () => {
    receiver.answers = ['retry'];
    const delivery = await begin(runner());
    await delivery.tell(page('a'));
    await delivery.tell(page('a', 'resolve'));
    await delivery.tell(page('b'));
    await nothingOwed(delivery);
    expect(receiver.sent).toEqual(['b/1/page', 'a/1/page', 'a/1/resolve']);
  });

  it(`${kind}: delivers after a restart what is owed, once and in order`, async () => {
    const kept = new Map<string, NewJob>();
    const jobs = () => (kind === 'on a server' ? { jobs: new ServerJobs(kept) } : {});
    receiver.down = true;
    const first = await begin(jobs());
    await first.tell(page('a'));
    await first.tell(page('a', 'resolve'));
    await waitFor(() => receiver.tried.length > 2, { what: 'some attempts' });
    await first.close(0);
    expect((await outbox.owed()).map(({ notification }) => notification.id)).toEqual([
      'a/1/page',
      'a/1/resolve',
    ]);
    receiver.down = false;
    const second = await begin(jobs());
    await nothingOwed(second);
    await sleep(100);
    expect(receiver.sent).toEqual(['a/1/page', 'a/1/resolve']);
  });

  it(`${kind}: gives up after the last attempt, says so, and lets the next of its alert go`, async () => {
    receiver.answers = ['retry', 'retry', 'retry'];
    const few = { ...retry, attempts_max: 2 };
    const jobs = new InProcessJobs({ retry: few, surroundings });
    const delivery = await begin(kind === 'on a server' ? { jobs, retry: few } : { retry: few });
    await delivery.tell(page('a'));
    await delivery.tell(page('a', 'resolve'));
    await nothingOwed(delivery);
    expect(results).toEqual(['retry', 'retry', 'retry', 'failed', 'sent']);
  });
}

it('goes on without its job server: the page is delivered while that is still away', async () => {
  const jobs = new ServerJobs();
  receiver.answers = ['retry', 'retry'];
  const delivery = await begin({ jobs });
  jobs.away = true;
  await delivery.tell(page('a'));
  await nothingOwed(delivery);
  expect(delivery.status().jobs.fault?.code).toBe('MR-6003');
  expect(receiver.sent).toEqual(['a/1/page']);
});

it('takes its retries back from a job server that goes away with them', async () => {
  const jobs = new ServerJobs();
  receiver.down = true;
  const delivery = await begin({ jobs });
  await delivery.tell(page('a'));
  await waitFor(() => receiver.tried.length > 1, { what: 'a retry by the server' });
  jobs.away = true;
  receiver.down = false;
  await nothingOwed(delivery);
  jobs.away = false;
  await sleep(100);
  expect(receiver.sent).toEqual(['a/1/page']);
});

it('delivers once although the job was on a server that went away and comes back', async () => {
  const kept = new Map<string, NewJob>();
  const jobs = new ServerJobs(kept);
  receiver.down = true;
  const first = await begin({ jobs });
  await first.tell(page('a'));
  await waitFor(() => kept.size === 1, { what: 'a job on the server' });
  await first.close(0);
  // The next monitor starts without the server, delivers, and meets the old job afterwards.
  receiver.down = false;
  const later = new ServerJobs(kept);
  later.away = true;
  const second = await begin({ jobs: later });
  await nothingOwed(second);
  later.away = false;
  await waitFor(() => kept.size === 0, { what: 'the old job has ended' });
  expect(receiver.sent).toEqual(['a/1/page']);
});

it('delivers again after a server that lost its jobs, once the process starts anew', async () => {
  receiver.down = true;
  const first = await begin({ jobs: new ServerJobs() });
  await first.tell(page('a'));
  await waitFor(() => receiver.tried.length > 1, { what: 'some attempts' });
  await first.close(0);
  receiver.down = false;
  await nothingOwed(await begin({ jobs: new ServerJobs() }));
  expect(receiver.sent).toEqual(['a/1/page']);
});

it('runs the job of another monitor, and lets a resolve go whose page that one has delivered', async () => {
  const delivery = await begin();
  receiver.down = true;
  await delivery.tell(page('a'));
  await waitFor(() => receiver.tried.length > 1, { what: 'some attempts' });
  // The other monitor's doing.
  await outbox.delete('webhook a/1/page');
  receiver.down = false;
  await delivery.tell(page('a', 'resolve'));
  await nothingOwed(delivery);
  expect(receiver.sent).toContain('a/1/resolve');
});

it('sends a page that the log could not keep, and retries it', async () => {
  const full: Outbox = {
    ...outbox,
    put: async () => {
      throw new Fault('MR-3008', { detail: 'ENOSPC' });
    },
  };
  receiver.answers = ['retry'];
  const delivery = await begin({ outbox: full });
  await delivery.tell(page('a'));
  await nothingOwed(delivery);
  expect(receiver.sent).toEqual(['a/1/page']);
});

it('is silent after 410 Gone, and says that it failed', async () => {
  receiver.answers = ['disabled'];
  const delivery = await begin();
  await delivery.tell(page('a'));
  await delivery.tell(page('a', 'resolve'));
  await nothingOwed(delivery);
  await delivery.tell(page('b'));
  expect(receiver.tried).toEqual(['a/1/page']);
  expect(results).toEqual(['disabled', 'failed', 'failed']);
});

it('closes in time while a receiver hangs, and still owes the page', async () => {
  receiver.answers = ['hang'];
  const delivery = await begin();
  await delivery.tell(page('a'));
  const began = performance.now();
  await delivery.close(50);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect((await outbox.owed()).length).toBe(1);
});

it('delivers what an outbox of an earlier version holds', async () => {
  const table = new MemoryLogServer({ clock: systemClock }).open().table('outbox');
  const { id, fields } = page('millrace/prod/shop/a/lag');
  await table.put(id, Buffer.from(JSON.stringify(fields)));
  await table.put('damaged', Buffer.from('{'));
  outbox = tableOutbox(table);
  await nothingOwed(await begin());
  expect(receiver.sent).toEqual([id]);
  expect(await table.entries()).toEqual([]);
});

it('does not send again what another monitor has delivered meanwhile', async () => {
  const kept = new Map<string, NewJob>();
  receiver.down = true;
  const first = await begin({ jobs: new ServerJobs(kept) });
  await first.tell(page('a'));
  const second = await begin({ jobs: new ServerJobs(kept) });
  await waitFor(() => receiver.tried.length > 3, { what: 'both try' });
  // The one delivers, the other finds out.
  receiver.down = false;
  await waitFor(() => first.status().owed + second.status().owed < 2, { what: 'one has delivered' });
  await waitFor(() => first.status().owed + second.status().owed === 0, { what: 'the other knows' });
  expect(new Set(receiver.sent)).toEqual(new Set(['a/1/page']));
  expect(await outbox.owed()).toEqual([]);
});

it('takes a retry back that its job server has lost', async () => {
  class Forgetful extends ServerJobs {
    override async enqueue(): Promise<'added'> {
      return 'added';
    }
  }
  receiver.answers = ['retry'];
  const delivery = await begin({ jobs: new Forgetful() });
  await delivery.tell(page('a'));
  await nothingOwed(delivery);
  expect(receiver.tried).toEqual(['a/1/page', 'a/1/page']);
});

it('sends a page although the log hangs, and keeps what it owes in order once the log answers', async () => {
  let answer = (): void => undefined;
  const answers = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slow: Outbox = {
    ...outbox,
    put: async (owed) => {
      await answers;
      await outbox.put(owed);
    },
  };
  const delivery = await begin({ outbox: slow });
  const began = performance.now();
  await delivery.tell(page('a'));
  await waitFor(() => receiver.sent.length === 1, { what: 'the page' });
  expect(performance.now() - began).toBeLessThan(4_000);
  answer();
  await nothingOwed(delivery);
  await sleep(50);
  expect(await outbox.owed()).toEqual([]);
});
