import type { MemoryLeader } from '@millrace/capture';
import type { Column, Relation, Row } from '@millrace/model';

const column = (attnum: number, name: string, missing: string | null = null): Column => ({
  attnum,
  name,
  type: { oid: 25, schema: 'pg_catalog', name: 'text', kind: 'base', typmod: -1, sql: 'text' },
  notNull: false,
  generated: false,
  missing,
});

const relation = (
  id: number,
  name: string,
  columns: readonly Column[],
  key: readonly number[],
): Relation => ({ id, schema: 'public', name, columns, identity: key.length > 0 ? 'default' : 'full', key });

/** Every transaction leaves (client, sequence) here: what was lost, doubled or torn shows at once. */
export const ledger = relation(1, 'ledger', [column(1, 'client'), column(2, 'sequence')], [0, 1]);
/** Transfers keep the sum of the balances. */
export const bank = relation(2, 'bank', [column(1, 'account'), column(2, 'balance')], [0]);
/** Large values that updates spare, keys that change, shapes that change. */
export const items = relation(3, 'items', [column(1, 'id'), column(2, 'name'), column(3, 'note')], [0]);
/** No key: a multiset of rows. */
export const visits = relation(4, 'visits', [column(1, 'page'), column(2, 'reader')], []);

export const shopTables: readonly Relation[] = [ledger, bank, items, visits];

export const accounts = 4;
export const openingBalance = 100;
export const bankTotal = accounts * openingBalance;

export function openShop(leader: MemoryLeader): void {
  for (const table of shopTables) leader.createTable(table);
  const opening = leader.begin();
  const rows: Row[] = Array.from({ length: accounts }, (_, i) => [`a${i}`, String(openingBalance)]);
  opening.insert(bank.id, ...rows);
  opening.commit();
}

export const itemColumn = column;
