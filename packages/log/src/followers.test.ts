import { systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { at, nonceOf } from './conformance/events.js';
import { type FollowerReport, FollowerReports } from './followers.js';
import { MemoryLogServer } from './memory/server.js';

const report: FollowerReport = {
  follower: 'search-eu',
  logId: nonceOf(1),
  storeId: nonceOf(2),
  owner: nonceOf(3),
  state: 'building',
  position: at(0xffff_ffff_ffff_fff0n, 3),
  anchor: { offset: 2n ** 60n, epoch: 4, nonce: nonceOf(5), seq: 2n ** 63n, position: at(2n ** 63n, 3) },
  reportedAt_ms: 1_700_000_000_000,
  tablesBuilding: ['shop.public.orders'],
  fault: { code: 'MR-3003', detail: 'gone' },
  requests: [{ kind: 'snapshot', topics: [], number: 1 }],
};

describe('followers’ reports', () => {
  it('come back exactly, positions beyond 2^63 included, to every handle', async () => {
    const server = new MemoryLogServer({ clock: systemClock });
    await new FollowerReports(server.open()).report(report);
    const other = new FollowerReports(server.open());
    expect(await other.get('search-eu')).toEqual(report);
    expect(await other.get('nobody')).toBeUndefined();
  });

  it('list every follower by name, without the anchor, until forgotten', async () => {
    const reports = new FollowerReports(new MemoryLogServer({ clock: systemClock }).open());
    await reports.writeAnchor(report.anchor);
    for (const follower of ['b', 'anchor', 'a']) await reports.report({ ...report, follower });
    expect((await reports.list()).map(({ follower }) => follower)).toEqual(['a', 'anchor', 'b']);
    expect(await reports.readAnchor()).toEqual(report.anchor);
    await reports.forget('anchor');
    expect((await reports.list()).map(({ follower }) => follower)).toEqual(['a', 'b']);
    expect(await reports.readAnchor()).toEqual(report.anchor);
  });

  it('refuse a damaged entry instead of guessing', async () => {
    const log = new MemoryLogServer({ clock: systemClock }).open();
    await log.table('followers').put('follower/x', Buffer.from('{"follower":"x"}'));
    await expect(new FollowerReports(log).get('x')).rejects.toMatchObject({ code: 'MR-3012' });
  });
});
