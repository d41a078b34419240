import { beforeAll, describe, expect, it } from 'vitest';
import { allocationComplaints, perEvent, readAccepted } from './gate/accepted.js';
import { build, count, countIn, counts, inParallel } from './measure/run.js';

const accepted = readAccepted();
const building_ms_max = 300_000;
const counting_ms_max = 600_000;

beforeAll(build, building_ms_max);

describe('what the hot path allocates', () => {
  it(
    'is what was accepted, for every stage and recording',
    async () => {
      const complaints = await inParallel(counts, async (each) => {
        const found = perEvent(await count(each), each.recording);
        return allocationComplaints(accepted, `${each.stage} ${each.recording}`, found);
      });
      expect(complaints.flat()).toEqual([]);
    },
    counting_ms_max,
  );

  it(
    'is not what was accepted when a stage makes one object per event too many',
    async () => {
      const found = perEvent(await countIn('wasteful-child.js', []), 'narrow');
      const complaints = allocationComplaints(accepted, 'decode narrow', found);
      expect(complaints).toEqual([expect.stringMatching(/^decode narrow: heap_bytes_per_event grew from/)]);
    },
    counting_ms_max,
  );
});
