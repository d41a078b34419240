export { type ChaosOptions, type ChaosResult, runChaos, type Victim, victimsOf } from './chaos.js';
export { Command, type Exit } from './command.js';
export { Judge } from './judge.js';
export { type Part, Pipeline, type PipelineOptions, parts } from './pipeline.js';
