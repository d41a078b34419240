import { formatPosition, lsn } from '@millrace/model';
import { memoryStage } from './memory-stage.js';
import { Nemesis } from './nemesis.js';
import { Violation } from './oracle.js';
import { type Scenario, scenarioOf } from './scenario.js';
import { type Doubles, World } from './world.js';

/** What one seed came to. */
export interface Outcome {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Undefined: every invariant held. */
  readonly violation: Error | undefined;
  /** Codes of loud stops on the way. */
  readonly stops: readonly string[];
  readonly figures: {
    readonly commits: number;
    readonly records: number;
    readonly void: number;
    readonly checks: number;
    readonly virtual_ms: number;
  };
  readonly transcript: readonly string[];
}

export interface SimulateOptions {
  readonly doubles?: Doubles;
  readonly fixed?: Partial<Scenario>;
  readonly transcript?: boolean;
}

/** Time between the end of trouble and the first look whether all is well, and between two looks, milliseconds. */
const virtualLook_ms = 500;

/** Runs one seed from a fresh leader to the end of its recovery. Same seed, same run. */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  const world = new World(scenarioOf(seed, options.fixed), {
    doubles: options.doubles ?? {},
    transcribe: options.transcript ?? false,
    stage: memoryStage(),
  });
  await play(world, virtualLook_ms);
  return outcomeOf(world);
}

/** Plays a world from its first process to the end of its recovery. */
export async function play(world: World, look_ms: number): Promise<void> {
  const { scenario } = world;
  const nemesis = new Nemesis(world);
  world.addCapture().start();
  for (let i = 0; i < scenario.followers; i++) world.addReplica().appliers[0]?.start();
  world.load.start();
  nemesis.run().catch((error: unknown) => world.fail(error));
  const bad = (): boolean => {
    world.inspect();
    return world.violation !== undefined;
  };
  await world.clock.run(scenario.trouble_ms, bad);
  if (!world.violation) await recover(world, nemesis, look_ms, bad);
}

/** The weather calms down, the load ends, supervisors go on: everything must be applied and confirmed (I6), or loudly stopped (I7). */
async function recover(world: World, nemesis: Nemesis, look_ms: number, bad: () => boolean): Promise<void> {
  const { scenario, weather, load } = world;
  weather.calm();
  nemesis.stop();
  load.stop();
  const isWell = await untilWell(world, look_ms, bad);
  if (!isWell || scenario.finale === undefined) return;
  await nemesis.do(scenario.finale);
  await untilWell(world, look_ms, bad);
}

/** True when everybody is where the leader is; false when the run is over, one way or the other. */
async function untilWell(world: World, look_ms: number, bad: () => boolean): Promise<boolean> {
  const { clock, scenario } = world;
  const deadline_ms = clock.monotonic() + scenario.recovery_ms;
  while (clock.monotonic() < deadline_ms) {
    await clock.run(clock.monotonic() + look_ms, bad);
    if (world.violation) return false;
    const unexpected = unexpectedStop(world);
    if (unexpected) world.fail(unexpected);
    if (world.stops.length > 0) return false;
    if (lagging(world) === undefined) return true;
  }
  // A log put back under a capture that has nothing to write shows at its next record, not before.
  if (world.destroyed.has('restore-log')) return false;
  world.fail(new Violation('I6', `after faults have stopped, ${lagging(world)}`));
  return false;
}

/** I7 allows loud stops only where something was destroyed. */
function unexpectedStop(world: World): Violation | undefined {
  const [stop] = world.stops;
  if (!stop || world.destroyed.size > 0) return undefined;
  return new Violation('I7', `${stop.process} stopped although nothing was destroyed: ${stop.fault.message}`);
}

/** Who is not where the leader is; undefined when everybody is. */
function lagging(world: World): string | undefined {
  const last = world.leader.commits.at(-1);
  const end = last?.end ?? lsn(0n);
  const slot = world.slot?.confirmed ?? lsn(0n);
  if (slot < end) return `the slot stands at ${slot} of ${end}`;
  for (const { name, store } of world.replicas) {
    const { row } = store.state;
    if (!row) return `${name} has no position`;
    if (row.state !== 'exact') return `${name} is ${row.state} at ${formatPosition(row.position)}`;
    if (!world.oracle.isAtHead(row.position))
      return `${name} stands at ${formatPosition(row.position)} of ${end}`;
  }
  return undefined;
}

export function outcomeOf(world: World): Outcome {
  return {
    seed: world.scenario.seed,
    scenario: world.scenario,
    violation: world.violation,
    stops: world.stops.map(({ fault }) => fault.code),
    figures: {
      commits: world.leader.commits.length,
      records: world.audit.records,
      void: world.audit.void,
      checks: world.oracle.checks,
      virtual_ms: world.clock.monotonic(),
    },
    transcript: world.transcript.lines,
  };
}
