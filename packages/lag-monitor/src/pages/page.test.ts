import { Fault } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { AlertBook, type AlertEvent } from '../alerts/alert-book.js';
import { conditionsOf } from '../alerts/conditions.js';
import type { Sample } from '../samples/sample.js';
import { Judge, type Verdict } from '../verdict/verdict.js';
import { budget, mib, runningNote, type Scene, sampleOf, wallStart_ms } from '../verdict/verdict.sample.js';
import { type PageFields, pageOf } from './page.js';

const context = {
  environment: 'production',
  pipeline: 'orders',
  links: { runbook_url: 'https://runbooks.example/lag', dashboard_url: 'https://dash.example/orders' },
};
const budgets = [budget('search-eu', 40), budget('*', 400)];
const followers = ['search-eu', 'lake'];

/** Plays scenes through judge, alerts and page, and gives every page and resolve. */
function play(samples: readonly Sample[]): { pages: PageFields[]; verdict: Verdict } {
  const judge = new Judge(budgets, followers);
  const book = new AlertBook();
  const pages: PageFields[] = [];
  let verdict: Verdict | undefined;
  for (const sample of samples) {
    const seen = judge.verdict(sample);
    verdict = seen;
    const events: AlertEvent[] = book.evaluate(
      conditionsOf(seen, 1_000, (key) => book.firing(key)),
      sample.at,
    );
    for (const event of events)
      if (event.condition.severity === 'page') pages.push(pageOf(event, seen, context));
  }
  return { pages, verdict: verdict as Verdict };
}

/** The leader writes 4 MiB/s; search-eu applies 1 MiB/s until second 30, then catches up. */
function slowFollower(until: number): Sample[] {
  return Array.from({ length: until }, (_, second): Scene => {
    const leader_mib = 2_000 + 4 * second;
    const applied = second <= 30 ? 2_000 + second : Math.min(leader_mib, 2_030 + 40 * (second - 30));
    const notes = [
      runningNote('capture', second),
      runningNote('search-eu', second),
      runningNote('lake', second),
    ];
    return {
      second,
      leader_mib,
      head_mib: leader_mib,
      followers: { 'search-eu': applied, lake: leader_mib },
      notes,
    };
  }).map(sampleOf);
}

it('pages once, in bytes, in the form an on-call person reads, and resolves once', () => {
  const { pages } = play(slowFollower(60));
  expect(pages.map((page) => page.type)).toEqual(['page', 'resolve']);
  expect(pages[0]?.text).toBe(
    [
      '**orders → search-eu is 72 MiB behind (budget 40 MiB), growing 3 MiB/s. Deadline unknown.**',
      "Impact: search-eu serves data 71 s old; nothing lost; other followers fine; leader's disk not at risk (slot 1 MiB).",
      'Since 02:11:54Z; over budget for 10 s. In 4 MiB/s, applied 1 MiB/s.',
      'Likely cause: the leader writes faster than the applier of search-eu keeps up: 4 MiB/s against 1 MiB/s.',
      "First: `millrace explain lag orders/search-eu`. Then look at search-eu's load and locks.",
      'Ends when under 30 MiB for 10 s. Runbook https://runbooks.example/lag · Dashboard https://dash.example/orders',
    ].join('\n'),
  );
  expect(pages[1]?.text).toMatch(
    /^\*\*orders → search-eu is back within its budget: .* behind\.\*\*\nLasted \d+ s\.$/,
  );
});

it('gives machines every field under its documented name, null where it is unknown', () => {
  const page = play(slowFollower(30)).pages[0];
  expect(page).toMatchObject({
    type: 'page',
    dedup_key: 'millrace/production/orders/search-eu/lag',
    env: 'production',
    pipeline: 'orders',
    edge: 'search-eu',
    lag_bytes: 72 * mib,
    budget_bytes: 40 * mib,
    growth_bps: 3 * mib,
    in_bps: 4 * mib,
    out_bps: 1 * mib,
    deadline_s: null,
    deadline_resource: null,
    source_at_risk: false,
    since: new Date(wallStart_ms + 14_000).toISOString(),
    samples_breached: 11,
    first_command: 'millrace explain lag orders/search-eu',
    resolve_condition: 'under 30 MiB for 10 s',
    rule_version: 2,
    sampled_at: new Date(wallStart_ms + 24_000).toISOString(),
  });
});

it('names the retention that runs out, and when', () => {
  const samples = slowFollower(30).map((sample, second): Sample => {
    if (!sample.log.ok) return sample;
    const storage = { used_bytes: (1_000 + 4 * second) * mib, limit_bytes: 10 * 1_024 * mib };
    return { ...sample, log: { ok: true, value: { ...sample.log.value, storage } } };
  });
  const page = play(samples).pages[0];
  expect(page?.title).toContain("The log's room ends: nothing more is published in ~38 min.");
  expect(page?.deadline_resource).toBe('log_retention');
});

it('says when a log that keeps events by age drops what is not applied', () => {
  const samples = slowFollower(30).map((sample): Sample => {
    if (!sample.log.ok) return sample;
    const storage = { used_bytes: 1_000 * mib, keeps_ms: 7_200_000 };
    return { ...sample, log: { ok: true, value: { ...sample.log.value, storage } } };
  });
  const page = play(samples).pages[0];
  expect(page?.title).toMatch(/The log drops unapplied changes in ~(2 h|1 h 59 m|119 m)/);
  expect(page?.deadline_resource).toBe('log_retention');
});

it('pages about capture once when capture stands still, not once per follower', () => {
  const samples = Array.from({ length: 60 }, (_, second) =>
    sampleOf({
      second,
      leader_mib: 2_000 + 20 * second,
      head_mib: 2_000,
      followers: { 'search-eu': 2_000, lake: 1_999 },
      notes: [runningNote('capture', 0), runningNote('search-eu', second), runningNote('lake', second)],
      slot: { active: false, walStatus: 'reserved', safeWal_bytes: 2_000 * mib },
    }),
  );
  const { pages } = play(samples);
  expect(pages.map((page) => page.edge)).toEqual(['capture']);
  expect(pages[0]?.text).toContain('capture has fallen silent: pid 8812 on worker-3');
  expect(pages[0]?.title).toContain('The leader drops the slot, and with it unread changes, in ~');
});

it('pages at once for a loud stop, with code and remedy, and not a second time for its lag', () => {
  const fault = new Fault('MR-4004', { detail: 'search-eu stands at 0:7D0/0 but reported 0:7E0/0.' });
  const samples = Array.from({ length: 60 }, (_, second) =>
    sampleOf({
      second,
      leader_mib: 2_000 + 4 * second,
      head_mib: 2_000 + 4 * second,
      followers: { 'search-eu': 2_000, lake: 2_000 + 4 * second },
      notes: [
        runningNote('capture', second),
        runningNote('lake', second),
        runningNote('search-eu', second, {
          ...(second >= 5 &&
            second < 58 && {
              state: 'stopped',
              fault: { code: fault.code, name: fault.entry.name, detail: fault.detail, remedy: fault.remedy },
            }),
        }),
      ],
    }),
  );
  const { pages } = play(samples);
  expect(pages.map((page) => `${page.type} ${page.dedup_key}`)).toEqual([
    'page millrace/production/orders/search-eu/stopped',
    'resolve millrace/production/orders/search-eu/stopped',
  ]);
  expect(pages[0]?.title).toBe('orders → search-eu has stopped: MR-4004 FollowerWentBack, 20 MiB behind.');
  expect(pages[0]?.text).toContain('First: `millrace explain MR-4004`. Then: Set `on_restore: replay`');
});

it('stays silent about a service that a successor replaced', () => {
  const samples = Array.from({ length: 5 }, (_, second) =>
    sampleOf({
      second,
      leader_mib: 2_000,
      head_mib: 2_000,
      followers: { 'search-eu': 2_000, lake: 2_000 },
      notes: [
        runningNote('capture', second, {
          state: 'stopped',
          fault: { code: 'MR-2009', name: 'Fenced', detail: 'epoch 4 took over', remedy: 'None needed.' },
        }),
      ],
    }),
  );
  expect(play(samples).pages).toEqual([]);
});

it('pages when it cannot measure: silence is never taken for health', () => {
  const fault = new Fault('MR-2001', { detail: 'connect ECONNREFUSED 10.0.0.1:5432' });
  const samples = slowFollower(50)
    .slice(0, 45)
    .map((sample, second): Sample => (second < 5 ? sample : { ...sample, leader: { ok: false, fault } }));
  const { pages, verdict } = play(samples);
  expect(pages.map((page) => page.dedup_key)).toEqual(['millrace/production/orders/monitor/leader']);
  expect(pages[0]?.title).toBe('orders: the monitor cannot measure the leader (MR-2001). Lag is unknown.');
  expect(verdict.followers.map((edge) => edge.lag_bytes)).toEqual([undefined, undefined]);
});

it('does not page again after a restart of the monitor', () => {
  const samples = slowFollower(30).slice(14);
  const judge = new Judge(budgets, followers);
  const book = new AlertBook();
  const firing = (key: string): boolean => book.firing(key);
  book.restore(new Map([['search-eu/lag/page', { since_wall_ms: wallStart_ms - 60_000, samples: 60 }]]), {
    monotonic_ms: 14_000,
    wall_ms: wallStart_ms + 14_000,
  });
  const said = samples.flatMap((sample) =>
    book.evaluate(conditionsOf(judge.verdict(sample), 1_000, firing), sample.at),
  );
  expect(said.filter((event) => event.condition.severity === 'page')).toEqual([]);
});
