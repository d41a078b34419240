import type { MirroredTable } from '@millrace/follower';
import { KeyedRows } from './keyed-rows.js';
import { KeylessRows } from './keyless-rows.js';
import type { Coalescer } from './table-event.js';

export function coalescerOf(table: MirroredTable, building: () => boolean): Coalescer {
  return table.relation.key.length > 0 ? new KeyedRows(table, building) : new KeylessRows(table);
}
