import { describe } from 'vitest';
import { describeAppending } from './appending.js';
import { benchPerTest, type LogHarness } from './bench.js';
import { describeFollowing } from './following.js';
import { describeKeeping } from './keeping.js';

/** Registers the tests that every adapter of the log port must pass; `makeHarness` makes a fresh, empty log per test. */
export function describeLogConformance(name: string, makeHarness: () => Promise<LogHarness>): void {
  describe(`${name} keeps the contract of the log port`, () => {
    const bench = benchPerTest(makeHarness);
    describeAppending(bench);
    describeFollowing(bench);
    describeKeeping(bench);
  });
}
