export { rowsOfChunk } from './conformance/chunk.js';
export type { LeaderDriver, LeaderTransaction, SourceHarness, TableSpec } from './conformance/harness.js';
export { describeSourceConformance } from './conformance/suite.js';
