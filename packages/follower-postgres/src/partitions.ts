import type {
  FollowerCapabilities,
  FollowerPartition,
  PartitionedFollower,
  PositionRow,
  StoredPosition,
} from '@millrace/follower';
import { PositionHandle } from './position-handle.js';
import { MetaTables } from './store/meta.js';
import type { Sessions } from './store/sessions.js';
import type { EvolutionPolicy } from './table/evolution.js';

export interface PostgresPartitionsOptions {
  readonly name: string;
  readonly sessions: Sessions;
  readonly metaSchema: string;
  readonly policy: EvolutionPolicy;
  readonly capabilities: FollowerCapabilities;
}

/** A PostgreSQL follower fed by several workers at once: a position row per partition (R25). */
export class PostgresPartitions implements PartitionedFollower {
  readonly #o: PostgresPartitionsOptions;
  readonly #meta: MetaTables;

  constructor(options: PostgresPartitionsOptions) {
    this.#o = options;
    this.#meta = new MetaTables(options.metaSchema, options.name);
  }

  async register(
    initial: StoredPosition,
    count: number,
    { reset }: { readonly reset: boolean },
  ): Promise<void> {
    const session = await this.#o.sessions.writer();
    await this.#meta.install(session);
    await this.#meta.positions.registerPartitions(session, initial, count, reset);
  }

  async rows(): Promise<readonly PositionRow[]> {
    const reader = await this.#o.sessions.reader();
    return (await this.#meta.installed(reader)) ? await this.#meta.positions.partitionRows(reader) : [];
  }

  open(partition: number): FollowerPartition {
    const { name, sessions, metaSchema, policy, capabilities } = this.#o;
    const handle = new PositionHandle({
      name: `${name}, partition ${partition},`,
      sessions: sessions.lend(),
      meta: new MetaTables(metaSchema, name, partition),
      policy,
      isShared: true,
    });
    return {
      capabilities,
      storeId: () => handle.storeId(),
      takeOver: (owner) => handle.takeOver(owner),
      position: () => handle.position(),
      tables: () => handle.tables(),
      begin: (from, to) => handle.begin(from, to),
      beginAll: (from, to) => handle.beginAll(from, to),
      close: () => handle.close(),
    };
  }
}
