import { setTimeout as sleep } from 'node:timers/promises';
import { observeDuckDb, observePostgres } from '@millrace/oracle';
import { waitFor } from '@millrace/test-support';
import { Judge } from '../judge.js';
import { oracleSlot, type SoakScene } from './scene.js';
import { soakRules } from './soak-load.js';

const settle_ms = 120_000;
const lakeRun_ms = 3_000;

/** Looks at the followers, judged by the oracle. */
export class Looks {
  readonly #scene: SoakScene;
  readonly #judge: Judge;

  constructor(scene: SoakScene) {
    this.#scene = scene;
    this.#judge = new Judge(scene.leader, oracleSlot, 'per commit', soakRules);
  }

  get count(): number {
    return this.#judge.observations;
  }

  /** True when the replica was exact and its state right. Throws what is wrong. */
  async replica(): Promise<boolean> {
    const client = await this.#scene.follower.connect();
    const observed = await observePostgres(client, 'replica').finally(() => client.end());
    if (observed) await this.#judge.judge('replica', observed);
    return observed !== undefined;
  }

  /** Between two runs of its applier, which owns the file. */
  async lake(): Promise<boolean> {
    const observed = await observeDuckDb(this.#scene.pipeline.lakePath, 'lake');
    if (observed) await this.#judge.judge('lake', observed);
    return observed !== undefined;
  }

  /** Both followers hold every commit, and are right. */
  async untilCaughtUp(): Promise<void> {
    const { pipeline } = this.#scene;
    await waitFor(async () => (await this.replica()) && (await this.#judge.missing('replica')) === 0, {
      what: 'the replica holds every commit',
      timeout_ms: settle_ms,
    });
    let run_ms = lakeRun_ms;
    await waitFor(
      async () => {
        await sleep(run_ms);
        run_ms *= 2;
        pipeline.assertRunning();
        await pipeline.part('lake').stop();
        const whole = (await this.lake()) && (await this.#judge.missing('lake')) === 0;
        pipeline.start('lake');
        return whole;
      },
      { what: 'the lake holds every commit', timeout_ms: settle_ms },
    );
  }
}
