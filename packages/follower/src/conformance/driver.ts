import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { type Lsn, lsn, type Relation, type Row } from '@millrace/model';
import { isFault } from '@millrace/runtime';
import { expect } from 'vitest';
import type {
  Follower,
  FollowerState,
  FollowerTransaction,
  MirroredTable,
  StoredPosition,
  TableBatch,
} from '../port.js';

/** One store under test. `open` gives another handle onto it, as another process would have. */
export interface FollowerHarness {
  open(): Promise<Follower>;
  destroy(): Promise<void>;
  /**
   * Values that the store cannot hold and refuses with MR-5001, by the name of the type in the suite; empty by default. Few: a
   * store that cannot hold a type's values as a rule must hold it as text.
   */
  readonly refused?: Readonly<Record<string, readonly string[]>>;
}

export type MakeFollowerHarness = () => Promise<FollowerHarness>;

/** Positions of the suites lie beyond 2^63, so that an adapter with signed or floating positions fails everywhere. */
const firstEnd = 0xffff_ffff_0000_0000n;
const stepBytes = 0x10n;

export function storedPosition(end: bigint, state: FollowerState = 'exact', notes = '{}'): StoredPosition {
  return {
    logId: Buffer.alloc(16, 7),
    position: { history: 3, end: lsn(end) },
    anchor: Buffer.from(`anchor ${end}`),
    state,
    notes,
  };
}

/** Drives one handle as an applier does: remembers where it stands, and moves on with every transaction. */
export class Driver {
  readonly follower: Follower;
  at: StoredPosition;

  constructor(follower: Follower, at: StoredPosition) {
    this.follower = follower;
    this.at = at;
  }

  next(state: FollowerState = this.at.state): StoredPosition {
    return storedPosition(this.at.position.end + stepBytes, state);
  }

  get end(): Lsn {
    return this.at.position.end;
  }

  /** One transaction: `work`, then commit; aborts when `work` fails. */
  async apply(
    work: (tx: FollowerTransaction) => Promise<void>,
    to: StoredPosition = this.next(),
  ): Promise<void> {
    const tx = await this.follower.begin(this.at, to);
    try {
      await work(tx);
      await tx.commit();
    } catch (error) {
      await tx.abort();
      throw error;
    }
    this.at = to;
  }

  async create(...tables: MirroredTable[]): Promise<void> {
    await this.apply(async (tx) => {
      for (const table of tables) await tx.evolve(table, [{ kind: 'create-table' }]);
    });
  }

  async write(table: MirroredTable, rows: Partial<Omit<TableBatch, 'table'>>): Promise<void> {
    await this.apply((tx) => tx.write(batchOf(table, rows)));
  }

  rows(table: MirroredTable | Relation): Promise<Row[]> {
    return rowsOf(this.follower, 'relation' in table ? table.relation : table);
  }
}

export function batchOf(table: MirroredTable, rows: Partial<Omit<TableBatch, 'table'>>): TableBatch {
  return { table, upserts: [], patches: [], moves: [], deletes: [], inserts: [], removes: [], ...rows };
}

export async function rowsOf(follower: Follower, relation: Relation): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const some of follower.scan(relation)) rows.push(...some);
  return rows;
}

/** Rows as a multiset, for tables whose order means nothing. */
export const sortedRows = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/** Registers (unless there is a row) and takes over. */
export async function driverOn(follower: Follower, state: FollowerState = 'exact'): Promise<Driver> {
  await follower.register(storedPosition(firstEnd, state), { reset: false });
  const row = await follower.takeOver(randomBytes(16));
  expect(row).toBeDefined();
  return new Driver(follower, row as StoredPosition);
}

/** The code of the fault that `work` ends with; fails when it does not, or with another error. */
export async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return expect.unreachable('a fault was expected');
}
