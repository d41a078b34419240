import type { LogTable } from '@millrace/log';
import { tableKey } from './rows.js';
import type { Sections } from './sections.js';

/** A small table: each change is a transaction of its own, each answer the newest commit. */
export function embeddedTable(sections: Sections, name: string): LogTable {
  const { tables } = sections.store;
  const start = tableKey(name, '');
  // The prefix ends with a zero byte: its range ends before the next byte value.
  const end = Buffer.from(start);
  end[end.length - 1] = 1;
  return {
    get: async (key) => sections.read(() => tables.get(tableKey(name, key))),
    put: (key, value) =>
      sections.write(0, () => void tables.putSync(tableKey(name, key), Buffer.from(value))),
    delete: (key) => sections.write(0, () => void tables.removeSync(tableKey(name, key))),
    entries: async () =>
      sections.read(() => {
        const found: (readonly [string, Uint8Array])[] = [];
        for (const { key, value } of tables.getRange({ start, end }))
          found.push([key.toString('utf8', start.length), value]);
        return found;
      }),
  };
}
