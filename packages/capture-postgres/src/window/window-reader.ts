import {
  type KeyRange,
  RowSpool,
  type Visibility,
  type WindowChunk,
  type WindowReader,
  type WindowRequest,
} from '@millrace/capture';
import { cellNull, emptyRowImage, type RowImage, relationName, rowOf } from '@millrace/model';
import {
  copyOut,
  describeTables,
  PgSession,
  type PublishedTable,
  quoteLiteral,
  readPublishedTables,
} from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { tableVanished } from '../schema/published-tables.js';
import { readCopyRow } from '../snapshot/copy-row.js';
import { lockStatement, selectRange } from '../snapshot/table-query.js';
import { formatWatermark, watermarkPrefix } from '../watermark.js';

export interface WindowOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly publication: string;
  readonly slot: string;
  readonly serverVersion: number;
  /** For rows that do not fit into memory; default the system's folder of temporary files. */
  readonly temporaryFolder?: string | undefined;
}

/** Reads one window at a time, on a connection of its own. */
export class PostgresWindowReader implements WindowReader {
  readonly #options: WindowOptions;
  #session: PgSession | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  read(request: WindowRequest): Promise<WindowChunk> {
    const result = this.#turn.then(() => this.#read(request));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session?.close();
  }

  async #read(request: WindowRequest): Promise<WindowChunk> {
    const session = await this.#open();
    const mark = (kind: 'low' | 'high'): Promise<unknown> =>
      session.query(
        `writing the ${kind} watermark`,
        `SELECT pg_catalog.pg_logical_emit_message(true, ${quoteLiteral(watermarkPrefix)},
          ${quoteLiteral(formatWatermark({ kind, epoch: request.epoch, chunk: request.chunk }, this.#options.slot))}::pg_catalog.text)`,
      );
    let chunk: WindowChunk | undefined;
    try {
      await mark('low');
      chunk = await this.#readChunk(session, request);
      await mark('high');
      return chunk;
    } catch (error) {
      await chunk?.rows.close();
      // Its transaction may be open, or the connection in the middle of a COPY.
      this.#session = undefined;
      await session.close();
      throw error;
    }
  }

  async #readChunk(session: PgSession, request: WindowRequest): Promise<WindowChunk> {
    const doing = `reading a window of ${relationName(request.relation)}`;
    const { table, visibility } = await this.#lock(session, doing, request);
    const rows = new RowSpool({
      columns: table.relation.columns.length,
      memory_bytes: rowLimit(table, request) === null ? request.max_bytes : Number.POSITIVE_INFINITY,
      folder: this.#options.temporaryFolder,
    });
    try {
      const upTo = await readRows(session, doing, table, request, rows);
      await session.query(doing, 'COMMIT');
      return {
        rows,
        range: { after: request.range.after, upTo },
        visibility,
        relation: table.relation,
      };
    } catch (error) {
      await rows.close();
      throw error;
    }
  }

  /**
   * Begins a transaction, locks the table in it and describes it. The lock comes before the snapshot: LOCK takes none, so nothing can
   * rewrite the table between the two. Whoever renames or drops it holds a lock that ours waits for, and its name is gone then: the
   * catalogue says which of the two it was.
   */
  async #lock(session: PgSession, doing: string, request: WindowRequest): Promise<LockedTable> {
    const { relation } = request;
    const { publication, serverVersion } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const description = (await describeTables(session, [relation.id])).get(relation.id);
      if (!description) throw gone(request);
      await session.query(doing, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      try {
        await session.query(doing, lockStatement({ relation, description, rowFilter: undefined }));
        const { snapshot } = await session.queryOne(
          doing,
          'SELECT pg_catalog.pg_current_snapshot() AS snapshot',
        );
        const table = (await readPublishedTables(session, publication, serverVersion, relation.id))[0];
        if (!table) throw gone(request);
        return { table, visibility: parseVisibility(snapshot as string) };
      } catch (error) {
        if (!tableVanished(error) || attempt === lockAttempts_max) throw error;
        await session.query(doing, 'ROLLBACK');
      }
    }
  }

  async #open(): Promise<PgSession> {
    if (this.#closed) throw new Fault('MR-2012', { detail: 'the session of this window is closed' });
    if (this.#session?.usable) return this.#session;
    this.#session = await PgSession.open(this.#options.url, {
      role: 'leader',
      applicationName: this.#options.applicationName,
      // R16: a watermark that waited for synchronous standbys could wait for ourselves.
      settings: [['synchronous_commit', 'local']],
    });
    return this.#session;
  }
}

interface LockedTable {
  readonly table: PublishedTable;
  readonly visibility: Visibility;
}

/** A name that vanishes between its look-up and its lock is looked up again this often. */
const lockAttempts_max = 10;

/** Null: the chunk is read whole. */
const rowLimit = ({ relation }: PublishedTable, { rows }: WindowRequest): number | null =>
  relation.key.length === 0 ? null : rows;

/** Returns the end of the range that `rows` covers completely. */
async function readRows(
  session: PgSession,
  doing: string,
  table: PublishedTable,
  request: WindowRequest,
  rows: RowSpool,
): Promise<KeyRange['upTo']> {
  const { relation } = table;
  const columns = relation.columns.length;
  const image = emptyRowImage(columns);
  const limit = rowLimit(table, request);
  const select =
    relation.key.length === 0
      ? selectRange(table, { after: null, upTo: null })
      : selectRange(table, request.range, limit ?? undefined);
  const full = (): boolean => limit !== null && rows.count > 0 && rows.bytes >= request.max_bytes;
  let seen = 0;
  /** Key of the last row taken, where the chunk may end before its range does. */
  let last: string[] | undefined;
  const reader = {
    row(bytes: Uint8Array, start: number, end: number): void {
      seen++;
      if (full()) return;
      readCopyRow(bytes, start, end, image, columns);
      rows.add(image);
      if (full() || seen === limit) last = keyCells(relation.key, image);
    },
    room: () => rows.room(),
  };
  await copyOut(session, doing, `COPY (${select}) TO STDOUT`, reader, request.signal);
  await rows.finish();
  const isComplete = rows.count === seen && seen !== limit;
  return isComplete || !last ? request.range.upTo : last;
}

function keyCells(key: readonly number[], image: RowImage): string[] {
  const row = rowOf(image);
  return key.map((index) => {
    const cell = row[index];
    if (typeof cell !== 'string' || image.length[index] === cellNull)
      throw new Fault('MR-9001', { detail: 'a key column holds NULL' });
    return cell;
  });
}

/** pg_snapshot's text form, `xmin:xmax:xip,…`: full 64-bit transaction ids. */
export function parseVisibility(text: string): Visibility {
  const match = /^(\d+):(\d+):([\d,]*)$/.exec(text);
  if (!match) throw new Fault('MR-2011', { detail: `"${text}" is not a snapshot` });
  const inProgress = match[3] === '' ? [] : (match[3] as string).split(',').map(BigInt);
  return { xmin: BigInt(match[1] as string), xmax: BigInt(match[2] as string), inProgress };
}

const gone = (request: WindowRequest): Fault =>
  new Fault('MR-2013', {
    detail: `table ${relationName(request.relation)} was dropped, or taken out of the publication, while it was being read`,
  });
