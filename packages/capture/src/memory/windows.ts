import { type Relation, type Row, rowImageOf } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { RowSpool } from '../snapshot/row-spool.js';
import type { KeyRange, WindowChunk, WindowReader, WindowRequest } from '../source.js';
import type { MemorySourceOptions } from './options.js';
import { rowsIn } from './snapshot.js';
import { keyCells } from './table.js';

/** The first rows, as many as memory allows; at least one. */
function fitting(found: readonly Row[], rows: number, max_bytes: number): readonly Row[] {
  let bytes = 0;
  const end = found.findIndex((row, i) => {
    bytes += row.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
    return i > 0 && bytes > max_bytes;
  });
  return found.slice(0, Math.min(rows, end < 0 ? found.length : end));
}

/** Windowed reads of the memory leader: LOW, a read of what is visible, HIGH. */
export class MemoryWindows implements WindowReader {
  readonly #o: MemorySourceOptions;
  readonly #check: () => void;

  constructor(options: MemorySourceOptions, check: () => void) {
    this.#o = options;
    this.#check = check;
  }

  async read({ relation, range, rows, max_bytes, epoch, chunk }: WindowRequest): Promise<WindowChunk> {
    const { leader } = this.#o;
    await this.#step('before-low', relation);
    leader.message({ kind: 'low', epoch, chunk });
    await this.#step('before-read', relation);
    if (!leader.isReadable(relation.id))
      throw new Fault('MR-2013', { detail: `table ${relation.name} was dropped or unpublished` });
    const table = leader.table(relation.id);
    const visibility = leader.visibility();
    const found = rowsIn(table, range);
    const whole = rows === null || !table.keyed;
    const chosen = whole ? found : fitting(found, rows, max_bytes);
    const last = chosen.at(-1);
    const covered: KeyRange =
      chosen.length < found.length && last
        ? { after: range.after, upTo: keyCells(table.relation, last) }
        : range;
    const memory_bytes = whole ? max_bytes : Number.POSITIVE_INFINITY;
    const spool = await this.#spool(table.relation, chosen, memory_bytes);
    try {
      await this.#step('before-high', relation);
      leader.message({ kind: 'high', epoch, chunk });
    } catch (error) {
      await spool.close();
      throw error;
    }
    return { rows: spool, range: covered, visibility, relation: table.relation };
  }

  async #spool(relation: Relation, rows: readonly Row[], memory_bytes: number): Promise<RowSpool> {
    const spool = new RowSpool({ columns: relation.columns.length, memory_bytes });
    for (const row of rows) {
      spool.add(rowImageOf(row));
      const room = spool.room();
      if (room) await room;
    }
    await spool.finish();
    return spool;
  }

  async #step(stage: 'before-low' | 'before-read' | 'before-high', relation: Relation): Promise<void> {
    const ms = this.#o.latency_ms?.() ?? 0;
    if (ms > 0) await this.#o.clock.sleep(ms);
    this.#check();
    const held = this.#o.onWindow?.(stage, relation);
    if (held) await held;
  }
}
