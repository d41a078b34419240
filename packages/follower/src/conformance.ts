import { describe } from 'vitest';
import { benchPerTest } from './conformance/bench.js';
import { describeBulkLane } from './conformance/bulk-lane.js';
import type { MakeFollowerHarness } from './conformance/driver.js';
import { describeFencing } from './conformance/fencing.js';
import { describeLarge } from './conformance/large.js';
import { describePartitions } from './conformance/partitions.js';
import { describeRows } from './conformance/rows.js';
import { describeSchema } from './conformance/schema.js';
import { describeNamesAndValues } from './conformance/values.js';
import { describeWorkers } from './conformance/workers.js';

export {
  batchOf,
  Driver,
  driverOn,
  type FollowerHarness,
  faultOf,
  type MakeFollowerHarness,
  rowsOf,
  sortedRows,
  storedPosition,
} from './conformance/driver.js';
export * as shapes from './conformance/shapes.js';

/** Registers the suite that every follower must pass; `makeHarness` makes a fresh, empty store per test. */
export function describeFollowerConformance(name: string, makeHarness: MakeFollowerHarness): void {
  describe(`${name} fulfils the follower port`, () => {
    const bench = benchPerTest(makeHarness);
    describeFencing(bench);
    describeWorkers(bench);
    describePartitions(bench);
    describeRows(bench);
    describeBulkLane(bench);
    describeSchema(bench);
    describeNamesAndValues(bench);
    describeLarge(bench);
  });
}
