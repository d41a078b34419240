import { type Lsn, lsn, lsnZero } from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { captureDecisions } from '../decisions.js';
import { Bench, until } from '../memory/capture-bench.sample.js';
import type { Source, SourceSession } from '../source.js';
import { Confirmer } from './confirmer.js';
import { Progress } from './progress.js';

type Reported = Parameters<SourceSession['confirm']>[0];

const at = (end: bigint, history = 0) => ({ history, end: lsn(end) });

/** A confirmer after sessions that left these figures behind. */
function confirmerAfter(left: { readonly received?: bigint; readonly applied?: bigint }) {
  const reports: Reported[] = [];
  const session = { confirm: (positions: Reported) => reports.push(positions) };
  const progress = new Progress(systemClock);
  progress.received = () => lsn(left.received ?? 0n);
  progress.applied = lsn(left.applied ?? 0n);
  const confirmer = new Confirmer(session as unknown as SourceSession, captureDecisions, progress, () =>
    progress.received(),
  );
  return { confirmer, progress, reports };
}

describe('what is reported to the leader', () => {
  it('is nothing before the chain is open on it (R9)', () => {
    const { confirmer, reports } = confirmerAfter({});
    confirmer.moved(at(80n), at(80n));
    confirmer.followers([lsn(70n)]);
    expect(reports).toEqual([]);
    confirmer.opened(at(60n, 1));
    expect(reports).toEqual([{ write: 60n, flush: 60n, apply: 60n }]);
  });

  it('has apply at most at flush, wherever followers came to in an earlier session (§11)', () => {
    const { confirmer, reports } = confirmerAfter({ received: 100n, applied: 90n });
    confirmer.opened(at(80n));
    expect(reports).toEqual([{ write: 100n, flush: 80n, apply: 80n }]);
  });

  it('knows nothing of another timeline’s write and apply after a fork', () => {
    const { confirmer, progress, reports } = confirmerAfter({ received: 100n, applied: 70n });
    progress.forked(lsn(80n));
    confirmer.opened(at(80n, 1));
    expect(reports).toEqual([{ write: 80n, flush: 80n, apply: lsnZero }]);
  });
});

let bench: Bench;
afterEach(async () => {
  await bench?.end();
});

/** Writes down what is reported, by the timeline of the session. */
function recorded(source: Source): {
  readonly source: Source;
  readonly of: (timeline: number) => Reported[];
} {
  const all: { readonly timeline: number; readonly positions: Reported }[] = [];
  const acquire: Source['acquire'] = async (request) => {
    const session = await source.acquire(request);
    const confirm = session.confirm.bind(session);
    session.confirm = (positions) => {
      all.push({ timeline: session.identity.timeline, positions });
      confirm(positions);
    };
    return session;
  };
  const of = (timeline: number): Reported[] =>
    all.filter((each) => each.timeline === timeline).map(({ positions }) => positions);
  return { source: { acquire }, of };
}

describe('a leader that was promoted', () => {
  it('hears of nothing beyond the fork that only its predecessor had sent (synchronous_commit = remote_write)', async () => {
    bench = new Bench();
    const { source, of } = recorded(bench.memorySource());
    const capture = bench.start({ source });
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'published', null]);
    await bench.replicated();
    bench.server.faults = { append: () => ({ applied: false }) };
    bench.put([2, 'received', null]);
    const forkAt = bench.leader.position;
    bench.put([3, 'received, and not on the standby', null]);
    await until(() => capture.status().received === bench.leader.position);
    bench.leader.failover(forkAt);
    bench.server.faults = {};
    await until(() => of(2).length > 0);
    expect(of(2)[0]?.write).toBeLessThanOrEqual(forkAt);
    bench.put([4, 'new', null]);
    await bench.replicated();
  });

  it('hears of no flush beyond the fork when what was published is retracted (R31)', async () => {
    bench = new Bench();
    const { source, of } = recorded(bench.memorySource());
    const capture = bench.start({ source, policies: { onFork: 'resnapshot' } });
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'kept', null]);
    const forkAt: Lsn = bench.leader.position;
    for (const id of [2, 3, 4, 5]) bench.put([id, 'retracted', null]);
    await bench.replicated();
    bench.leader.failover(forkAt);
    await until(() => of(2).length > 0);
    expect(of(2)[0]).toEqual({ write: forkAt, flush: forkAt, apply: lsnZero });
    bench.put([6, 'new', null]);
    await bench.replicated();
  });
});
