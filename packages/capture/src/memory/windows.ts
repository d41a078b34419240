import { type Row, rowImageOf } from '@millrace/model';
import type { KeyRange, WindowChunk, WindowReader, WindowRequest } from '../source.js';
import type { MemorySourceOptions } from './session.js';
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
    await this.#step('before-low');
    leader.message({ kind: 'low', epoch, chunk });
    await this.#step('before-read');
    const table = leader.table(relation.id);
    const visibility = leader.visibility();
    const found = rowsIn(table, range);
    const keyed = table.keyed;
    const chosen = keyed ? fitting(found, rows, max_bytes) : found;
    const last = chosen.at(-1);
    const covered: KeyRange =
      keyed && chosen.length < found.length && last
        ? { after: range.after, upTo: keyCells(table.relation, last) }
        : range;
    const read: WindowChunk = {
      rows: chosen.map((row) => rowImageOf(row)),
      range: covered,
      visibility,
      relation: table.relation,
    };
    await this.#step('before-high');
    leader.message({ kind: 'high', epoch, chunk });
    return read;
  }

  async #step(stage: 'before-low' | 'before-read' | 'before-high'): Promise<void> {
    const ms = this.#o.latency_ms?.() ?? 0;
    if (ms > 0) await this.#o.clock.sleep(ms);
    this.#check();
    this.#o.onWindow?.(stage);
  }
}
