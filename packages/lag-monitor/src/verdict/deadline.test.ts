import { expect, it } from 'vitest';
import { type DeadlineInputs, nearestDeadline } from './deadline.js';

const behind: DeadlineInputs = {
  kind: 'follower',
  lag_bytes: 500,
  page_bytes: 1_000,
  growth_bps: 10,
  in_bps: 10,
  safeWal_bytes: undefined,
  storage: undefined,
  storageGrowth_bps: undefined,
  oldestMissing_s: 600,
};

it('tells when a log that keeps events by age drops the oldest that a follower still needs, nearest first', () => {
  expect(nearestDeadline({ ...behind, storage: { used_bytes: 1, keeps_ms: 3_600_000 } })).toEqual([
    { resource: 'budget', seconds: 50 },
    { resource: 'log_retention', seconds: 3_000, drops: true },
  ]);
  const late = { ...behind, oldestMissing_s: 7_200, storage: { used_bytes: 1, keeps_ms: 3_600_000 } };
  expect(nearestDeadline(late)[0]).toEqual({ resource: 'log_retention', seconds: 0, drops: true });
});

it('says nothing of a log that drops nothing by age, of an edge that has everything, and of capture', () => {
  const storage = { used_bytes: 1, keeps_ms: 3_600_000 };
  const resources = (inputs: DeadlineInputs): string[] =>
    nearestDeadline(inputs).map(({ resource }) => resource);
  expect(resources({ ...behind, storage: { used_bytes: 1 } })).toEqual(['budget']);
  expect(resources({ ...behind, storage, oldestMissing_s: undefined })).toEqual(['budget']);
  expect(resources({ ...behind, storage, kind: 'capture' })).toEqual(['budget']);
});
