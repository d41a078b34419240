import { type ApplierDecisions, type ApplierOptions, createApplier, resyncFollower } from '@millrace/applier';
import {
  type CaptureDecisions,
  createCapture,
  MemoryLeader,
  type MemorySlot,
  MemorySource,
} from '@millrace/capture';
import {
  type Follower,
  MemoryFollower,
  type MemoryFollowerStore,
  type MemoryState,
} from '@millrace/follower';
import type { Log } from '@millrace/log';
import type { Lsn } from '@millrace/model';
import type { Fault } from '@millrace/runtime';
import { cellCodec } from './cell-codec.js';
import { ChainAudit } from './chain-audit.js';
import { Chance } from './chance.js';
import { gatedClock, gatedFollower, gatedLog, gatedSource } from './gated-ports.js';
import { LeaderLoad } from './leader-load.js';
import { ObservedStore } from './observed-store.js';
import { Oracle, Violation } from './oracle.js';
import type { ProcessGate } from './process-gate.js';
import type { Deed, Scenario } from './scenario.js';
import { openShop } from './shop.js';
import { SimulatedProcess } from './simulated-process.js';
import { Transcript } from './transcript.js';
import { Weather } from './weather.js';
import type { WorldClock } from './world-clock.js';
import type { Stage, WorldLog } from './world-log.js';

/** Parts of the real pipeline that a mutant replaces, to prove that the simulation would notice. */
export interface Doubles {
  readonly capture?: CaptureDecisions;
  readonly applier?: ApplierDecisions;
  readonly readers?: ApplierOptions['readers'];
  readonly log?: (log: Log) => Log;
  readonly follower?: (follower: Follower, store: MemoryFollowerStore) => Follower;
}

export interface WorldOptions {
  readonly doubles: Doubles;
  readonly transcribe: boolean;
  readonly stage: Stage;
}

/** One follower: its store, and the processes that apply to it. */
export interface Replica {
  readonly name: string;
  readonly store: ObservedStore;
  readonly appliers: SimulatedProcess[];
  /** Committed states kept as backups, oldest first. */
  readonly backups: MemoryState[];
}

/** Rows of a chunk: small, so that a snapshot has many. */
const chunk_rows = 3;
const idle_ms = 200;
const lockTimeout_ms = 2_000;

/** The whole pipeline in one process: leader, log, stores, and the real services between them. */
export class World {
  readonly scenario: Scenario;
  readonly chance: Chance;
  readonly clock: WorldClock;
  readonly transcript: Transcript;
  readonly leader: MemoryLeader;
  readonly log: WorldLog;
  readonly weather: Weather;
  readonly load: LeaderLoad;
  readonly oracle: Oracle;
  readonly audit: ChainAudit;
  readonly captures: SimulatedProcess[] = [];
  readonly replicas: Replica[] = [];
  /** Loud stops so far, in order. */
  readonly stops: { readonly process: string; readonly fault: Fault }[] = [];
  /** What was destroyed: from then on a typed stop is no violation. */
  readonly destroyed = new Set<Deed>();
  readonly #doubles: Doubles;
  #violation: Error | undefined;
  #serial = 0;
  /** Committed, and not judged yet, for the log has to be read first. */
  #unjudged: { readonly name: string; readonly state: MemoryState }[] = [];

  constructor(scenario: Scenario, { doubles, transcribe, stage }: WorldOptions) {
    const { seed, clients, pause_ms, append, store } = scenario;
    this.scenario = scenario;
    this.#doubles = doubles;
    this.clock = stage.clock;
    this.chance = new Chance(seed).fork('world');
    this.transcript = new Transcript(this.clock, transcribe);
    this.leader = new MemoryLeader({ clock: this.clock, startLsn: scenario.startLsn });
    this.weather = new Weather({
      clock: this.clock,
      chance: this.chance.fork('weather'),
      append,
      appendLatency_ms: stage.appendLatency_ms,
      store,
    });
    this.log = stage.log({
      weather: this.weather,
      id: this.chance.bytes(16),
      conditional: scenario.conditionalLog,
    });
    this.audit = new ChainAudit(this.log);
    this.oracle = new Oracle(this.leader, (history) => this.audit.timelineOf(history));
    const chance = this.chance.fork('load');
    const { leader, clock, transcript } = this;
    this.load = new LeaderLoad({ leader, clock, chance, transcript, clients, pause_ms });
    if (scenario.slotFirst) this.leader.ensureSlot();
    openShop(this.leader);
    this.load.history(scenario.history);
  }

  get violation(): Error | undefined {
    return this.#violation;
  }

  get slot(): MemorySlot | undefined {
    return this.leader.slot;
  }

  fail(error: unknown): void {
    this.#violation ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Checks what must hold at any moment; called whenever everything rests. Where the log is not at hand, `catchUp` does. */
  inspect(): void {
    if (!this.log.refresh) this.#check(this.leader.slot?.confirmed);
  }

  /** Reads the log to its present end, then judges what has been so far. */
  async catchUp(): Promise<void> {
    const confirmed = this.leader.slot?.confirmed;
    const unjudged = this.#unjudged.splice(0);
    await this.log.refresh?.();
    this.#check(confirmed);
    for (const { name, state } of unjudged) this.#judge(name, state);
  }

  /** Everybody ends, at once and for good. */
  end(): void {
    for (const process of [...this.captures, ...this.replicas.flatMap(({ appliers }) => appliers)]) {
      process.end();
      process.kill();
    }
  }

  #check(confirmed: Lsn | undefined): void {
    // A log put back to an older copy has no one chain any more: its readers say so, with typed faults.
    if (this.destroyed.has('restore-log')) return;
    try {
      // A slot that somebody put in place of ours was not confirmed by us.
      this.audit.check(this.destroyed.size > 0 ? undefined : confirmed);
    } catch (error) {
      this.fail(error instanceof Violation ? error : new Violation('I1', String(error)));
    }
  }

  addCapture(): SimulatedProcess {
    const name = `capture-${++this.#serial}`;
    const process = this.#process(name, (gate, log, signal) => {
      const clock = gatedClock(this.clock, gate);
      // Each incarnation draws its own identities: two that shared them could not be told apart.
      const random = this.chance.fork(`${name} #${++this.#serial}`).next;
      const source = new MemorySource({
        leader: this.leader,
        clock: this.clock,
        random,
        latency_ms: () => this.weather.latency_ms(),
        keepalive_ms: 100,
      });
      return createCapture({
        source: gatedSource(source, gate),
        log: gatedLog(this.#doubles.log?.(log) ?? log, gate),
        codec: cellCodec,
        pipeline: { topicPrefix: this.log.prefix, partitions: this.scenario.partitions },
        surroundings: { clock, random, logger: this.transcript.logger(name) },
        host: 'simulation',
        pid: this.#serial,
        version: '0',
        limits: {
          batch_events: this.scenario.batch_events,
          part_bytes: this.scenario.part_bytes,
          idle_ms: 50,
          idleStep_ms: 50,
          checkpoint_ms: 300,
          checkpoint_records: 30,
          followers_ms: 100,
          catalogue_ms: 500,
          chunk_rows,
          ...(this.scenario.trim_ms === undefined ? {} : { trim_ms: this.scenario.trim_ms }),
        },
        ...(this.#doubles.capture ? { decisions: this.#doubles.capture } : {}),
      }).run(signal);
    });
    this.captures.push(process);
    return process;
  }

  addReplica(): Replica {
    const name = `replica-${this.replicas.length + 1}`;
    const store = new ObservedStore({ clock: this.clock, lockTimeout_ms, storeId: this.chance.bytes(16) });
    const replica: Replica = { name, store, appliers: [], backups: [] };
    const chance = this.chance.fork(`${name} backups`);
    store.onCommit = (state) => {
      if (chance.happens(0.1)) replica.backups.push(state);
      this.judge(replica);
    };
    store.onIntruder = (detail) => this.fail(new Violation('I5', `${name}: ${detail}`));
    this.replicas.push(replica);
    this.addApplier(replica);
    return replica;
  }

  judge({ name, store }: Replica): void {
    this.inspect();
    if (this.log.refresh) this.#unjudged.push({ name, state: store.state });
    else this.#judge(name, store.state);
  }

  #judge(name: string, state: MemoryState): void {
    try {
      this.oracle.judge(name, state);
    } catch (error) {
      this.fail(error);
    }
  }

  addApplier(replica: Replica): SimulatedProcess {
    const name = `${replica.name}/${++this.#serial}`;
    const process = this.#process(name, (gate, log, signal) => {
      const clock = gatedClock(this.clock, gate);
      // Each incarnation draws its own identities: two that shared them could not be told apart.
      const random = this.chance.fork(`${name} #${++this.#serial}`).next;
      const store = replica.store.seenBy(`${name} #${++this.#serial}`);
      const memory = new MemoryFollower(store, replica.name, this.weather.follower());
      const follower = this.#doubles.follower?.(memory, store) ?? memory;
      return createApplier({
        name: replica.name,
        log: gatedLog(log, gate),
        codec: cellCodec,
        follower: gatedFollower(follower, gate),
        limits: { idle_ms, report_ms: 100, write_rows: 4, group_events: 30, read_bytes: 2_000 },
        policies: { onRestore: 'replay' },
        surroundings: { clock, random, logger: this.transcript.logger(name) },
        ...(this.#doubles.applier ? { decisions: this.#doubles.applier } : {}),
        ...(this.#doubles.readers ? { readers: this.#doubles.readers } : {}),
      }).run(signal);
    });
    replica.appliers.push(process);
    return process;
  }

  /** An operator's order; tried again while the store or the log is away. */
  async resync(replica: Replica): Promise<void> {
    const follower = new MemoryFollower(replica.store, replica.name);
    this.transcript.tell('operator', `resyncs ${replica.name}`);
    const log = this.log.open();
    if (!(log instanceof Promise)) return await resyncFollower(follower, log);
    const opened = await log;
    await resyncFollower(follower, opened).finally(() => opened.close());
  }

  #process(
    name: string,
    run: (gate: ProcessGate, log: Log, signal: AbortSignal) => Promise<void>,
  ): SimulatedProcess {
    return new SimulatedProcess({
      name,
      clock: this.clock,
      chance: this.chance.fork(`${name} crashes`),
      transcript: this.transcript,
      crash: () => (this.weather.isCalm ? 0 : this.scenario.crash),
      run: (gate, signal) => this.#withLog(gate, (log) => run(gate, log, signal)),
      onStop: (fault) => this.stops.push({ process: name, fault }),
    });
  }

  /** A process's handle ends with it: its connections break when it dies. One that stands at hand costs no turn of virtual time. */
  #withLog(gate: ProcessGate, run: (log: Log) => Promise<void>): Promise<void> {
    const opening = this.log.open();
    if (!(opening instanceof Promise)) return run(opening);
    return opening.then(async (log) => {
      if (gate.state === 'dead') await log.close();
      gate.onDeath(() => void log.close());
      try {
        await gate.pass();
        await run(log);
      } finally {
        await log.close();
      }
    });
  }
}
