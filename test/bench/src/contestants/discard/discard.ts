import type { PgServer } from '@millrace/test-support';
import { ProcessWatch } from '../../measure/process-watch.js';
import { dropSlot, walsenderOf } from '../../measure/walsender.js';
import type { Filled } from '../../workloads/workload.js';
import { type Contestant, type Drained, type Lane, publication } from '../contestant.js';
import { DiscardProcess } from './child-process.js';
import type { DiscardOrder } from './messages.js';

const prepare_ms_max = 120_000;
const drain_ms_max = 1_800_000;
const stop_ms_max = 30_000;

/**
 * T1: the whole capture service, from the walsender's bytes to Avro in batches with their progress records, in front of a
 * log that forgets the events.
 */
export const discard: Contestant = {
  name: 'millrace',
  describe: async () =>
    'capture service of this tree, Avro (lossless), log that discards; Node as stated under versions',
  async prepare({ leader }, lane) {
    const slot = `bench_discard_${lane}`;
    const child = await DiscardProcess.start();
    const prepared = new DiscardLane(leader, slot, child);
    try {
      await prepared.open();
      return prepared;
    } catch (error) {
      await prepared.remove();
      throw error;
    }
  },
};

class DiscardLane implements Lane {
  readonly #leader: PgServer;
  readonly #child: DiscardProcess;
  readonly #order: DiscardOrder;

  constructor(leader: PgServer, slot: string, child: DiscardProcess) {
    this.#leader = leader;
    this.#child = child;
    this.#order = { leaderUrl: leader.url, slot, publication };
  }

  /** Makes the slot and passes the snapshot. The process stays: with it would go the chain, which is in its memory. */
  async open(): Promise<void> {
    const streaming = this.#child.next('streaming', prepare_ms_max);
    this.#child.send({ kind: 'start', order: this.#order });
    await streaming;
    await this.#stop();
  }

  async drain({ end }: Filled): Promise<Drained> {
    const watch = new ProcessWatch();
    try {
      watch.add('capture', this.#child.pid);
      let failure: Error | undefined;
      const reached = this.#child.next('reached', drain_ms_max);
      reached.catch((error: Error) => {
        failure = error;
      });
      this.#child.send({ kind: 'start', order: this.#order, until: end });
      const walsender = await walsenderOf(this.#leader, this.#order.slot, () => {
        if (failure) throw failure;
      });
      watch.add('walsender', walsender.pid, { whole: true });
      const { at_ms } = await reached;
      const processes = watch.stop();
      // Stopped before the count is believed: an event too many would have come by then.
      const stopped = await this.#stop();
      return { events: stopped.events, seconds: (at_ms - walsender.started_ms) / 1000, processes };
    } finally {
      watch.stop();
    }
  }

  async remove(): Promise<void> {
    await this.#child.kill();
    await dropSlot(this.#leader, this.#order.slot);
  }

  async #stop(): Promise<{ readonly events: number }> {
    const stopped = this.#child.next('stopped', stop_ms_max);
    this.#child.send({ kind: 'stop' });
    return stopped;
  }
}
