import { lsn } from '@millrace/model';
import type { Chance } from './chance.js';
import type { Deed } from './scenario.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { Replica, World } from './world.js';

/** A paused process sleeps this long, milliseconds, at most. */
const pause_ms = 1_500;
/** A second process lives this long before it is told to end, milliseconds, at most. */
const second_ms = 800;

/** Does harm at random times, while there is trouble. */
export class Nemesis {
  readonly #world: World;
  readonly #chance: Chance;
  #running = true;

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance.fork('nemesis');
  }

  async run(): Promise<void> {
    const { clock, scenario } = this.#world;
    if (scenario.nemesis_ms === 0 || scenario.deeds.length === 0) return;
    for (;;) {
      await clock.sleep(this.#chance.next() * 2 * scenario.nemesis_ms);
      if (!this.#running) return;
      await this.do(this.#chance.pick(scenario.deeds));
    }
  }

  async do(deed: Deed): Promise<void> {
    this.#world.transcript.tell('nemesis', deed);
    await this.#deeds[deed]();
  }

  stop(): void {
    this.#running = false;
  }

  get #capture(): SimulatedProcess {
    return this.#chance.pick(this.#world.captures);
  }

  get #replica(): Replica {
    return this.#chance.pick(this.#world.replicas);
  }

  get #applier(): SimulatedProcess {
    return this.#chance.pick(this.#replica.appliers);
  }

  readonly #deeds: Readonly<Record<Deed, () => Promise<void> | void>> = {
    'kill-capture': () => this.#capture.kill(),
    'kill-applier': () => this.#applier.kill(),
    'pause-capture': () => this.#pauseCapture(),
    'pause-applier': () => this.#pause(this.#applier),
    'second-capture': () => this.#second(this.#world.addCapture()),
    'second-applier': () => this.#second(this.#world.addApplier(this.#replica)),
    'cut-leader': () => this.#world.leader.cutConnection('the network broke'),
    'crash-leader': () => this.#crashLeader(),
    'restart-store': () => this.#replica.store.disconnect(),
    'restore-follower': () => this.#restoreFollower(),
    'resync-follower': () => this.#world.resync(this.#replica).catch(() => {}),
    'add-follower': () => this.#addFollower(),
    'recreate-slot': () => this.#destroy('recreate-slot', () => this.#world.leader.dropSlot(true)),
    'fail-over': () => this.#destroy('fail-over', () => this.#failOver()),
    'restore-log': () => this.#restoreLog(),
    'trim-log': () => this.#destroy('trim-log', () => this.#world.log.trimEvents()),
    'recreate-topic': () =>
      this.#destroy('recreate-topic', () => this.#world.log.recreateTopic(this.#chance)),
    'lose-events': () => this.#destroy('lose-events', this.#world.log.loseEvents),
  };

  #destroy(deed: Deed, work: (() => Promise<void> | void) | undefined): Promise<void> | void {
    if (!work || this.#world.destroyed.size > 0) return;
    this.#world.destroyed.add(deed);
    return work();
  }

  /** SIGSTOP, a while, SIGCONT: a zombie when somebody else took over meanwhile. */
  #pause(process: SimulatedProcess): void {
    if (!process.running) return;
    process.pause();
    this.#world.clock.after(this.#chance.next() * pause_ms, () => process.resume());
  }

  #pauseCapture(): void {
    const process = this.#capture;
    this.#pause(process);
    // The leader gives a silent walsender up, and another capture gets the slot.
    if (this.#chance.happens(0.7)) {
      this.#world.clock.after((this.#chance.next() * pause_ms) / 2, () => {
        if (process.paused) this.#world.leader.cutConnection('wal_sender_timeout');
      });
      this.#second(this.#world.addCapture());
    }
  }

  #second(process: SimulatedProcess): void {
    process.start();
    this.#world.clock.after(second_ms + this.#chance.next() * second_ms, () => process.end());
  }

  #crashLeader(): void {
    if (this.#chance.happens(0.5)) this.#world.leader.checkpoint();
    this.#world.leader.crash();
    this.#world.load.leaderCrashed();
  }

  #restoreFollower(): void {
    const replica = this.#replica;
    const backup = replica.backups.length > 0 ? this.#chance.pick(replica.backups) : undefined;
    if (!backup) return;
    replica.store.restore(backup);
  }

  #addFollower(): void {
    const { replicas } = this.#world;
    if (replicas.length >= 3) return;
    this.#world.addReplica().appliers[0]?.start();
  }

  #failOver(): void {
    const { leader, oracle, load } = this.#world;
    oracle.endTimeline();
    load.leaderCrashed();
    const { commits } = leader;
    // Before the newest commits, or at the end: then nothing is lost.
    const back = this.#chance.pick([0, 0, 1, 3]);
    const kept = commits[commits.length - 1 - back];
    leader.failover(kept ? kept.end : lsn(leader.position));
  }

  #restoreLog(): Promise<void> | void {
    const { log, audit, clock } = this.#world;
    const { takeCopy } = log;
    return this.#destroy(
      'restore-log',
      takeCopy &&
        (() => {
          const putBack = takeCopy();
          clock.after(this.#chance.next() * second_ms, () => {
            putBack();
            audit.restart();
          });
        }),
    );
  }
}
