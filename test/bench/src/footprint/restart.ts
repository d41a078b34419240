import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Comparison, Measured, RunOptions } from '../comparison/comparison.js';
import { atMost, type Figure } from '../comparison/figure.js';
import { untilInterrupted } from '../comparison/interruption.js';
import { ChainCounter } from '../contestants/chain-counter.js';
import type { Stand } from '../contestants/contestant.js';
import { Pipeline } from '../contestants/followers/pipeline.js';
import { wallClock_ms, walsenderOf } from '../measure/walsender.js';
import { Cleanup } from '../stand/cleanup.js';
import { openStand } from '../stand/stand.js';
import { withClient } from '../workloads/filling.js';
import { workloads } from '../workloads/workloads.js';
import { SlotPosition } from './slot-position.js';

const run = promisify(execFile);
const restart_s_max = 1;
const poll_ms = 2;
const event_ms_max = 60_000;
/** A pipeline must name a follower; this one's applier never runs. */
const nobody = '{ duckdb: { path: ./nobody.duckdb } }';

type How = 'clean stop' | 'kill -9';
const ways: readonly How[] = ['clean stop', 'kill -9'];

/** Seconds from the start of the process; the slot was free by then. */
interface Restart {
  /** Until the event can be read from the log. */
  readonly toEvent_s: number;
  /** The part of it up to the walsender's start: Node, our modules, the configuration, the log, the connection. */
  readonly toConnection_s: number;
  /** What Node takes a moment before to start with nothing to do, and to end. */
  readonly node_s: number;
}

/** How long capture is away when it is started again. */
export const restartComparison: Comparison = {
  tier: 'footprint',
  workload: 'restart',
  title: 'an event committed while capture is down, until it is durable in the log',
  subject: 'millrace capture',
  measure,
};

async function measure(options: RunOptions): Promise<Measured> {
  await using cleanup = new Cleanup();
  options.say('starting servers');
  const stand = await openStand({ workload: workloads.W2, lanes: 1 });
  cleanup.defer(() => stand[Symbol.asyncDispose]());
  const pipeline = await Pipeline.create({ stand, lane: 0, store: nobody }, cleanup);
  pipeline.start('capture');
  await pipeline.ready('capture');
  const log = await pipeline.log();
  if (!log) throw new Error(`${pipeline.folder} holds no log`);
  const place = { stand, pipeline, counter: new ChainCounter(log) };
  const restarts: Record<How, Restart[]> = { 'clean stop': [], 'kill -9': [] };
  for (let round = 0; round < options.pairs; round++) {
    for (const how of ways) {
      const restart = await untilInterrupted(options.signal, () => takeRestart(place, how, options.signal));
      restarts[how].push(restart);
      const { toEvent_s, toConnection_s } = restart;
      options.say(
        `after ${how}: ${toEvent_s.toFixed(3)} s, to the connection ${toConnection_s.toFixed(3)} s`,
      );
    }
  }
  return {
    figures: ways.flatMap((how) => figuresOf(how, restarts[how])),
    described: { subject: 'millrace capture, embedded log, default settings' },
    details: restarts,
  };
}

interface Place {
  readonly stand: Stand;
  readonly pipeline: Pipeline;
  readonly counter: ChainCounter;
}

async function takeRestart(
  { stand, pipeline, counter }: Place,
  how: How,
  signal: AbortSignal,
): Promise<Restart> {
  await pipeline.ready('capture');
  if (how === 'kill -9') await pipeline.process('capture').kill9();
  else await pipeline.process('capture').stop();
  const slot = await SlotPosition.of(stand.leader, pipeline.slot);
  await slot.untilFree(signal).finally(() => slot.close());
  await withClient(stand.leader, (client) =>
    client.query('INSERT INTO bench_end SELECT coalesce(max(marker), 0) + 1 FROM bench_end'),
  );
  await counter.read();
  const before = counter.events;
  const node_s = await nodeAlone();
  const started_ms = wallClock_ms();
  const capture = pipeline.start('capture');
  const seen_ms = await untilEvent(counter, before, () => capture.assertRunning());
  const walsender = await walsenderOf(stand.leader, pipeline.slot, () => capture.assertRunning());
  return {
    toEvent_s: (seen_ms - started_ms) / 1_000,
    toConnection_s: (walsender.started_ms - started_ms) / 1_000,
    node_s,
  };
}

async function nodeAlone(): Promise<number> {
  const started_ms = performance.now();
  await run(process.execPath, ['--eval', '0']);
  return (performance.now() - started_ms) / 1_000;
}

async function untilEvent(counter: ChainCounter, before: number, assertRunning: () => void): Promise<number> {
  const deadline = performance.now() + event_ms_max;
  for (;;) {
    await counter.read();
    if (counter.events > before) return wallClock_ms();
    assertRunning();
    if (performance.now() > deadline) throw new Error(`no event within ${event_ms_max} ms`);
    await sleep(poll_ms);
  }
}

function figuresOf(how: How, restarts: readonly Restart[]): Figure[] {
  return [
    {
      name: `restart to first event, after ${how}`,
      unit: 's',
      goal: atMost(restart_s_max),
      samples: { subject: restarts.map(({ toEvent_s }) => toEvent_s) },
    },
    {
      name: `of it until connected, after ${how}`,
      unit: 's',
      samples: { subject: restarts.map(({ toConnection_s }) => toConnection_s) },
    },
    {
      name: `Node alone, with nothing to do (${how})`,
      unit: 's',
      samples: { subject: restarts.map(({ node_s }) => node_s) },
    },
  ];
}
