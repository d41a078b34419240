import { describe } from 'vitest';
import type { SourceHarness } from './harness.js';
import { describeSessions } from './sessions.js';
import { describeSnapshots } from './snapshots.js';
import { describeStream } from './stream.js';
import { describeWindows } from './windows.js';

/**
 * The contract of the source port (`source.ts`) as tests. Every adapter registers with it; `make` gives a fresh leader, without a
 * slot, for each test.
 */
export function describeSourceConformance(name: string, make: () => Promise<SourceHarness>): void {
  describe(`${name}: source conformance`, () => {
    describeSessions(make);
    describeStream(make);
    describeSnapshots(make);
    describeWindows(make);
  });
}
