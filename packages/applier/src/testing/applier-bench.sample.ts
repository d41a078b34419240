import type { Codec } from '@millrace/codec';
import { MemoryFollower, MemoryFollowerStore } from '@millrace/follower';
import { type Log, MemoryLogServer } from '@millrace/log';
import type { Row } from '@millrace/model';
import { type Fault, silentLogger, systemClock } from '@millrace/runtime';
import { expect } from 'vitest';
import { type Applier, type ApplierOptions, createApplier } from '../applier.js';
import { items, itemsCodec } from './items.js';
import { ScriptedChain } from './scripted-chain.js';

export const topic = 'shop.public.items';
const start = 100n;

/** A log, a chain in it, a follower's store, and the appliers that run between them. */
export class Bench {
  readonly server: MemoryLogServer = new MemoryLogServer({ clock: systemClock });
  readonly log: Log = this.server.open();
  readonly chain: ScriptedChain;
  readonly store: MemoryFollowerStore;
  readonly #codec: Codec;
  readonly #running: { readonly abort: AbortController; readonly ended: Promise<Fault | undefined> }[] = [];

  constructor(store = new MemoryFollowerStore(), codec = itemsCodec()) {
    this.store = store;
    this.#codec = codec;
    this.chain = new ScriptedChain(this.log, codec, start);
  }

  async shop(relation = items): Promise<void> {
    await this.chain.open();
    await this.chain.table(1, topic, relation);
  }

  start(options: Partial<ApplierOptions> = {}): {
    readonly applier: Applier;
    readonly ended: Promise<Fault | undefined>;
  } {
    const applier = createApplier({
      name: 'replica',
      log: this.server.open(),
      codec: this.#codec,
      follower: new MemoryFollower(this.store, 'replica'),
      limits: { idle_ms: 10, report_ms: 1, worker_beat_ms: 5, worker_silence_ms: 200 },
      surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
      ...options,
    });
    const abort = new AbortController();
    const ended = applier.run(abort.signal).then(
      () => undefined,
      (fault: Fault) => fault,
    );
    this.#running.push({ abort, ended });
    return { applier, ended };
  }

  async stop(): Promise<void> {
    for (const { abort } of this.#running) abort.abort();
    await Promise.all(this.#running.map(({ ended }) => ended));
  }

  rows(name = topic): readonly Row[] {
    return this.store.state.tables.get(name)?.sorted() ?? [];
  }

  /** Waits until the follower stands at `end`. */
  async reached(end: bigint): Promise<void> {
    await expect.poll(() => this.store.state.row?.position.end, { interval: 2, timeout: 3000 }).toBe(end);
  }
}
