import { randomBytes } from 'node:crypto';
import type {
  Follower,
  FollowerCapabilities,
  FollowerTransaction,
  MirroredTable,
  PartitionedFollower,
  StoredPosition,
  WorkerTable,
} from '@millrace/follower';
import type { Relation, Row } from '@millrace/model';
import { defaultMetaSchema, type PostgresFollowerOptions } from './options.js';
import { PostgresPartitions } from './partitions.js';
import { PositionHandle } from './position-handle.js';
import { TableStatements } from './rows/statements.js';
import { MetaTables } from './store/meta.js';
import { run, Sessions } from './store/sessions.js';
import { PostgresWorkers } from './store/workers.js';
import { readShape } from './table/shape.js';

const rowsPerFetch = 2_000;

/** A PostgreSQL database (14 or later) as a follower. Connects when first used. */
export function createPostgresFollower(options: PostgresFollowerOptions): Follower {
  return new PostgresFollower(options);
}

class PostgresFollower implements Follower {
  readonly capabilities: FollowerCapabilities = {
    kind: 'postgres',
    transactional: true,
    transactionalSchema: true,
    singleOwner: false,
  };
  readonly workers: WorkerTable;
  readonly partitioned: PartitionedFollower;
  readonly #sessions: Sessions;
  readonly #meta: MetaTables;
  readonly #handle: PositionHandle;

  constructor(options: PostgresFollowerOptions) {
    const { name, logger, metaSchema = defaultMetaSchema } = options;
    const worker = randomBytes(8).toString('hex');
    const sessions = new Sessions(options, worker);
    const policy = {
      schemas: options.schemas ?? {},
      existingTables: options.existingTables ?? ('refuse' as const),
      metaSchema,
    };
    this.#sessions = sessions;
    this.#meta = new MetaTables(metaSchema, name);
    this.#handle = new PositionHandle({ name, sessions, meta: this.#meta, policy, isShared: false });
    this.workers = new PostgresWorkers({ schema: metaSchema, follower: name, id: worker, sessions, logger });
    this.partitioned = new PostgresPartitions({
      name,
      sessions,
      metaSchema,
      policy,
      capabilities: this.capabilities,
    });
  }

  storeId(): Promise<Uint8Array | undefined> {
    return this.#handle.storeId();
  }

  async register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void> {
    const session = await this.#handle.idleWriter();
    await this.#meta.install(session);
    await this.#meta.positions.register(session, initial, options.reset);
  }

  takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    return this.#handle.takeOver(owner);
  }

  position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined> {
    return this.#handle.position();
  }

  tables(): Promise<readonly MirroredTable[]> {
    return this.#handle.tables();
  }

  begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    return this.#handle.begin(from, to);
  }

  async *scan(table: Relation): AsyncIterable<readonly Row[]> {
    const reader = await this.#sessions.reader();
    const entry = (await this.#handle.isInstalled(reader))
      ? (await this.#meta.tables.read(reader)).find(
          ({ mirrored }) =>
            mirrored.relation.schema === table.schema && mirrored.relation.name === table.name,
        )
      : undefined;
    const shape = entry && (await readShape(reader, entry.place));
    if (!entry || !shape) return;
    const { everyRow } = new TableStatements(entry.mirrored.relation, entry.place, shape);
    const session = await this.#sessions.fresh();
    try {
      await session.query(
        'scanning',
        `BEGIN READ ONLY; DECLARE millrace_scan NO SCROLL CURSOR FOR ${everyRow}`,
      );
      for (;;) {
        const { rows } = await run(session, 'scanning', { text: `FETCH ${rowsPerFetch} FROM millrace_scan` });
        if (rows.length > 0) yield rows;
        if (rows.length < rowsPerFetch) return;
      }
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await this.workers.leave().catch(() => undefined);
    await this.#handle.close();
  }
}
