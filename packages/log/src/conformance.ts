export { describeLogConformance, type LogHarness } from './conformance/suite.js';
