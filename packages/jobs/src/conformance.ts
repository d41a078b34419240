export { describeJobRunnerConformance, type JobHarness, type RunnerSettings } from './conformance/suite.js';
