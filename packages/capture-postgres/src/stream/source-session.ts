import type {
  InitialSnapshot,
  LeaderIdentity,
  LeaderWal,
  PartitionedTables,
  SourceSession,
  SourceSink,
} from '@millrace/capture';
import type { Lsn, Relation } from '@millrace/model';
import {
  describeTables,
  type PublishedTable,
  readWalPosition,
  type StandbyPositions,
  type WalStream,
} from '@millrace/postgres';
import { readMemberships } from '../schema/memberships.js';
import { isPartOf, partitionedTables, publishedRoots } from '../schema/partitions.js';
import { publishedTables } from '../schema/published-tables.js';
import { type CatalogueView, ShapeBook } from '../schema/shape-book.js';
import { PostgresWindowReader } from '../window/window-reader.js';
import type { ControlConnection } from './control.js';
import { StreamDecoder } from './stream-decoder.js';

export interface SessionParts {
  readonly url: string;
  readonly applicationName: string;
  readonly slot: string;
  readonly publication: string;
  readonly serverVersion: number;
  readonly temporaryFolder: string | undefined;
  /** Whether the leader announces schema changes. */
  readonly announcing: boolean;
  readonly control: ControlConnection;
  readonly stream: WalStream;
  /** Both read while the stream holds the slot. */
  readonly wal: LeaderWal;
  readonly confirmed: Lsn;
  readonly created: { readonly consistentPoint: Lsn; readonly snapshot: InitialSnapshot } | undefined;
}

/** One epoch's hold on a PostgreSQL leader. */
export class PostgresSourceSession implements SourceSession {
  readonly identity: LeaderIdentity;
  readonly wal: LeaderWal;
  readonly confirmed: Lsn;
  readonly created?: { readonly consistentPoint: Lsn; readonly snapshot: InitialSnapshot };
  readonly windows: PostgresWindowReader;
  readonly partitions: PartitionedTables;
  readonly #parts: SessionParts;
  /** As of the last look at the publication. */
  #roots: readonly number[] = [];

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { systemId, timeline, ancestry } = parts.stream;
    this.identity = { systemId, timeline, ancestry };
    this.wal = parts.wal;
    this.confirmed = parts.confirmed;
    if (parts.created) this.created = parts.created;
    this.windows = new PostgresWindowReader(parts);
    this.partitions = partitionedTables({
      session: () => parts.control.session(),
      slot: parts.slot,
      roots: () => this.#roots,
    });
  }

  async relations(): Promise<readonly Relation[]> {
    return (await this.#published()).map((table) => table.relation);
  }

  async stream(sink: SourceSink, signal: AbortSignal, known: readonly Relation[] = []): Promise<void> {
    // Its locks would hold back DDL for as long as the stream lasts.
    await this.created?.snapshot.close();
    const listed = (await this.#published()).filter((table) => table.columnList);
    // A new slot's stream begins where its snapshot stands: the snapshot's shapes are in force there.
    const initial = this.created?.snapshot.tables.map((table) => table.relation) ?? [];
    const decoder = new StreamDecoder({
      sink,
      slot: this.#parts.slot,
      shapes: new ShapeBook([...known, ...initial], this.#parts.announcing),
      look: (table) => this.#look(table),
      columnLists: new Set(listed.map((table) => table.relation.id)),
    });
    await this.#parts.stream.run(decoder, signal);
  }

  confirm(positions: StandbyPositions): void {
    this.#parts.stream.report(positions);
  }

  async memberships(relations: readonly Relation[]): Promise<ReadonlyMap<number, string>> {
    const { control, publication, serverVersion } = this.#parts;
    const ids = relations.map(({ id }) => id);
    return readMemberships(await control.session(), { publication, serverVersion, ids });
  }

  async leaderPosition(): Promise<Lsn> {
    return readWalPosition(await this.#parts.control.session());
  }

  async close(): Promise<void> {
    const { stream, control, created } = this.#parts;
    await Promise.all([stream.close(), this.windows.close(), created?.snapshot.close(), control.close()]);
  }

  async #published(): Promise<PublishedTable[]> {
    const { control, publication, serverVersion } = this.#parts;
    const tables = await publishedTables(await control.session(), publication, serverVersion);
    this.#roots = publishedRoots(tables);
    return tables;
  }

  async #look(table: number): Promise<CatalogueView> {
    const { publication, serverVersion } = this.#parts;
    const session = await this.#parts.control.session();
    const description = (await describeTables(session, [table])).get(table);
    const published = (await publishedTables(session, publication, serverVersion, table))[0];
    const { xid } = await session.queryOne(
      'asking for the next transaction id',
      `SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text AS xid`,
    );
    // A root is described before its partitions.
    if (published?.description.json.kind === 'p') this.#roots = [...new Set([...this.#roots, table])];
    return {
      description,
      columnList: published?.columnList ?? false,
      isPart: published === undefined && (await isPartOf(session, table, this.#roots)),
      nextXid: Number(BigInt.asUintN(32, BigInt(xid as string))),
    };
  }
}
