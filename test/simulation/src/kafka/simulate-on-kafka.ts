import { type Deed, type Scenario, scenarioOf } from '../scenario.js';
import { type Outcome, outcomeOf, play, type SimulateOptions } from '../simulate.js';
import { World } from '../world.js';
import { KafkaGround } from './kafka-ground.js';

/** Requests take longer than in memory: so do trouble, and the pauses between deeds. */
const slowdown = 3;
const recovery_ms = 45_000;
/** Between two looks whether all is well, and of the judges at the log, milliseconds. */
const look_ms = 100;
const watch_ms = 5;
/** Often, so that readers meet a log that is trimmed under them; more seldom than anybody sleeps who has read where to begin. */
const trim_ms = 1_600;

/** Nobody does these to brokers: no copy of a running log can be put back, and no single events go from its middle. */
const notOnKafka: ReadonlySet<Deed> = new Set<Deed>(['restore-log', 'lose-events']);

export interface KafkaSimulateOptions extends SimulateOptions {
  readonly brokers: readonly string[];
}

let runs = 0;

/** Runs one seed's scenario with its log in real topics, in real time: the same deeds and fates, in an order that the machine decides. */
export async function simulateOnKafka(seed: number, options: KafkaSimulateOptions): Promise<Outcome> {
  const prefix = `sim-${process.pid}-${Date.now().toString(36)}-${++runs}-${seed}`;
  const ground = await KafkaGround.prepare(options.brokers, prefix);
  const scenario = onBrokers(scenarioOf(seed, options.fixed));
  const world = new World(scenario, {
    doubles: options.doubles ?? {},
    transcribe: options.transcript ?? false,
    stage: ground,
  });
  const watch = { over: false };
  const watching = judgeBehind(world, watch);
  try {
    await play(world, look_ms);
  } finally {
    watch.over = true;
    await watching;
    world.end();
    await ground.clear();
  }
  return outcomeOf(world);
}

function onBrokers(scenario: Scenario): Scenario {
  const { seed, trouble_ms, nemesis_ms, deeds, finale } = scenario;
  const slow: Scenario = {
    ...scenario,
    conditionalLog: false,
    trouble_ms: trouble_ms * slowdown,
    nemesis_ms: nemesis_ms * slowdown,
    recovery_ms,
    deeds: deeds.filter((deed) => !notOnKafka.has(deed)),
  };
  // A follower restored from before what was trimmed is stopped, rightly: every second seed has the one, the others the other.
  if (seed % 2 === 0) return slow;
  const isKept = (deed: Deed | undefined): boolean => deed !== 'restore-follower';
  return { ...slow, trim_ms, deeds: slow.deeds.filter(isKept), finale: isKept(finale) ? finale : undefined };
}

/** Judges all the while, as soon as the log has been read; the last time after everything else. */
async function judgeBehind(world: World, watch: { readonly over: boolean }): Promise<void> {
  for (let isLast = false; !isLast; ) {
    isLast = watch.over;
    try {
      await world.catchUp();
    } catch (error) {
      world.fail(error);
      return;
    }
    if (!isLast) await world.clock.sleep(watch_ms);
  }
}
