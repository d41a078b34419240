import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RecordingName } from '../recording/recording.js';
import type { StageName } from '../stages/stages.js';
import { type Allocation, countingFlags } from './allocation.js';

const execute = promisify(execFile);
const child_ms_max = 300_000;
const pathOf = (url: string): string => fileURLToPath(new URL(url, import.meta.url));

/** What is counted: a stage on a recording, and the events of one pass. */
export interface Count {
  readonly stage: StageName;
  readonly recording: RecordingName;
}

/** Everything the gate looks at. Formats and followers differ in code, not in every recording. */
export const counts: readonly Count[] = (
  [
    ['decode', ['narrow', 'single', 'wide', 'types']],
    ['capture-avro', ['narrow', 'single', 'wide', 'types']],
    ['capture-json', ['narrow', 'types']],
    ['apply-avro', ['narrow', 'single', 'wide', 'types']],
    ['apply-json', ['narrow']],
    ['duckdb', ['narrow', 'wide']],
  ] as const
).flatMap(([stage, recordings]) => recordings.map((recording) => ({ stage, recording })));

/**
 * Brings the built code up to date. Counts are taken of what is shipped: the loader that runs tests from source adds
 * to the heap. Errors of types are the build's own business, which `npm test` runs before.
 */
export async function build(): Promise<void> {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  await execute(process.execPath, [compiler, '-b', pathOf('../../tsconfig.json')], {
    env: { ...process.env, NODE_OPTIONS: '' },
  }).catch(() => undefined);
}

/** Counts in a process of its own, by a script of this folder. */
export async function countIn(script: string, args: readonly string[]): Promise<Allocation> {
  const file = pathOf(`../../dist/measure/${script}`);
  const { stdout } = await execute(process.execPath, [...countingFlags, file, ...args], {
    // vitest hands its own options to what it starts; they would change what is counted.
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: child_ms_max,
  });
  return JSON.parse(stdout) as Allocation;
}

export const count = ({ stage, recording }: Count): Promise<Allocation> =>
  countIn('child.js', [stage, recording]);

/** Each of `items` through `work`, as many at a time as there are cores, two at most. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
  return results;
}
