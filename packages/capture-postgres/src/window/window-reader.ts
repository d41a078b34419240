import type { KeyRange, Visibility, WindowChunk, WindowReader, WindowRequest } from '@millrace/capture';
import { cellNull, copyRowImage, emptyRowImage, type RowImage, relationName, rowOf } from '@millrace/model';
import {
  copyOut,
  describeTables,
  PgSession,
  type PublishedTable,
  quoteLiteral,
  readPublishedTables,
} from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { readCopyRow } from '../snapshot/copy-row.js';
import { lockStatement, selectRange } from '../snapshot/table-query.js';
import { formatWatermark, watermarkPrefix } from '../watermark.js';

export interface WindowOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly publication: string;
  readonly slot: string;
  readonly serverVersion: number;
}

/** Bookkeeping per row beside its bytes, so that many tiny rows count too. */
const rowOverhead_bytes = 64;

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
    try {
      await mark('low');
      const chunk = await this.#readChunk(session, request);
      await mark('high');
      return chunk;
    } catch (error) {
      // Its transaction may be open, or the connection in the middle of a COPY.
      this.#session = undefined;
      await session.close();
      throw error;
    }
  }

  /** The lock comes before the snapshot: LOCK takes none, so nothing can rewrite the table between the two. */
  async #readChunk(session: PgSession, request: WindowRequest): Promise<WindowChunk> {
    const doing = `reading a window of ${relationName(request.relation)}`;
    const named = (await describeTables(session, [request.relation.id])).get(request.relation.id);
    if (!named) throw gone(request);
    await session.query(doing, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await session.query(
      doing,
      lockStatement({ relation: request.relation, description: named, rowFilter: undefined }),
    );
    const { snapshot } = await session.queryOne(doing, 'SELECT pg_catalog.pg_current_snapshot() AS snapshot');
    const { publication, serverVersion } = this.#options;
    const table = (await readPublishedTables(session, publication, serverVersion, request.relation.id))[0];
    if (!table) throw gone(request);
    const read = await readRows(session, doing, table, request);
    await session.query(doing, 'COMMIT');
    return {
      rows: read.rows,
      range: { after: request.range.after, upTo: read.upTo },
      visibility: parseVisibility(snapshot as string),
      relation: table.relation,
    };
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

async function readRows(
  session: PgSession,
  doing: string,
  table: PublishedTable,
  request: WindowRequest,
): Promise<{ rows: RowImage[]; upTo: KeyRange['upTo'] }> {
  const { relation } = table;
  const keyed = relation.key.length > 0;
  const columns = relation.columns.length;
  const image = emptyRowImage(columns);
  const rows: RowImage[] = [];
  let held_bytes = 0;
  let seen = 0;
  const select = keyed
    ? selectRange(table, request.range, request.rows)
    : selectRange(table, { after: null, upTo: null });
  const full = (): boolean => rows.length > 0 && held_bytes >= request.max_bytes;
  const reader = {
    row(bytes: Uint8Array, start: number, end: number): void {
      seen++;
      if (full()) {
        if (keyed) return;
        throw new Fault('MR-2014', {
          detail: `table ${relationName(relation)} has no key and more than ${request.max_bytes} bytes: it cannot be read in one window`,
          remedy: 'Give the table a primary key, or a replica identity index.',
        });
      }
      readCopyRow(bytes, start, end, image, columns);
      held_bytes += end - start + columns * 8 + rowOverhead_bytes;
      rows.push(copyRowImage(image));
    },
    room: () => undefined,
  };
  await copyOut(session, doing, `COPY (${select}) TO STDOUT`, reader, request.signal);
  const complete = !keyed || (rows.length === seen && seen < request.rows);
  const last = rows.at(-1);
  return { rows, upTo: complete || !last ? request.range.upTo : keyCells(relation.key, last) };
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
