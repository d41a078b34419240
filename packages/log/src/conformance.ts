export type { LogHarness } from './conformance/bench.js';
export { describeLogConformance } from './conformance/suite.js';
