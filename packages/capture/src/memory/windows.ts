import { rowImageOf } from '@millrace/model';
import type { KeyRange, WindowChunk, WindowReader, WindowRequest } from '../source.js';
import type { MemorySourceOptions } from './session.js';
import { rowsIn } from './snapshot.js';
import { keyCells } from './table.js';

/** Windowed reads of the memory leader: LOW, a read of what is visible, HIGH. */
export class MemoryWindows implements WindowReader {
  readonly #o: MemorySourceOptions;
  readonly #check: () => void;

  constructor(options: MemorySourceOptions, check: () => void) {
    this.#o = options;
    this.#check = check;
  }

  async read({ relation, range, rows, epoch, chunk }: WindowRequest): Promise<WindowChunk> {
    const { leader } = this.#o;
    await this.#step('before-low');
    leader.message({ kind: 'low', epoch, chunk });
    await this.#step('before-read');
    const table = leader.table(relation.id);
    const visibility = leader.visibility();
    const found = rowsIn(table, range);
    const keyed = table.keyed;
    const chosen = keyed ? found.slice(0, rows) : found;
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
