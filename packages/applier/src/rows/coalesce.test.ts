import type { MirroredTable, TableBatch } from '@millrace/follower';
import type { Cell, Column, Relation, Row } from '@millrace/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlay } from './cells.js';
import { coalescerOf } from './coalesce.js';
import type { Coalescer, TableEvent } from './table-event.js';

const column = (attnum: number, name: string): Column => ({
  attnum,
  name,
  type: { oid: 25, schema: 'pg_catalog', name: 'text', kind: 'base', typmod: -1, sql: 'text' },
  notNull: false,
  generated: false,
  missing: null,
});

const relation = (key: readonly number[]): Relation => ({
  id: 1,
  schema: 'public',
  name: 'items',
  columns: [column(1, 'id'), column(2, 'name'), column(3, 'note')],
  identity: key.length > 0 ? 'default' : 'full',
  key,
});

const table = (key: readonly number[]): MirroredTable => ({
  topic: 't',
  version: 1,
  relation: relation(key),
  state: 'exact',
});

const insert = (row: Row): TableEvent => ({ op: 'c', before: null, after: row, half: undefined });
const update = (row: Row, before: Row | null = null): TableEvent => ({
  op: 'u',
  before,
  after: row,
  half: undefined,
});
const remove = (row: Row): TableEvent => ({ op: 'd', before: row, after: null, half: undefined });
const keyChange = (from: string, row: Row): TableEvent[] => [
  { op: 'd', before: [from, null, null], after: null, half: 'first' },
  { op: 'c', before: null, after: row, half: 'second' },
];

const keyed = (building = false): Coalescer => coalescerOf(table([0]), () => building);

function coalesced(events: readonly TableEvent[], into = keyed()): TableBatch[] {
  for (const event of events) into.add(event);
  return into.take();
}

describe('Coalescing a keyed table', () => {
  it('keeps the last image of a key', () => {
    const [batch] = coalesced([insert(['1', 'a', 'x']), update(['1', 'b', 'y']), update(['1', 'c', 'z'])]);
    expect(batch?.upserts).toEqual([['1', 'c', 'z']]);
  });

  it('fills absent cells from earlier images of the batch', () => {
    const [batch] = coalesced([insert(['1', 'a', 'large']), update(['1', 'b', undefined])]);
    expect(batch?.upserts).toEqual([['1', 'b', 'large']]);
    expect(batch?.patches).toEqual([]);
  });

  it('leaves absent cells to the follower when the batch never saw them', () => {
    const [batch] = coalesced([update(['1', 'b', undefined]), update(['1', 'c', undefined])]);
    expect(batch?.patches).toEqual([['1', 'c', undefined]]);
    expect(batch?.upserts).toEqual([]);
  });

  it('asks nothing of an exact follower for a row made and deleted within the batch', () => {
    expect(coalesced([insert(['1', 'a', 'x']), remove(['1', null, null])])).toEqual([]);
  });

  it('deletes it all the same while building, where a stale row may stand', () => {
    const [batch] = coalesced([insert(['1', 'a', 'x']), remove(['1', null, null])], keyed(true));
    expect(batch?.deletes).toEqual([['1']]);
  });

  it('turns delete and insert of one key into one upsert', () => {
    const [batch] = coalesced([remove(['1', null, null]), insert(['1', 'b', 'y'])]);
    expect(batch).toMatchObject({ upserts: [['1', 'b', 'y']], deletes: [] });
  });

  it('joins a key change with a whole image into delete and upsert', () => {
    const [batch] = coalesced(keyChange('1', ['2', 'a', 'x']));
    expect(batch).toMatchObject({ upserts: [['2', 'a', 'x']], deletes: [['1']], moves: [] });
  });

  it('completes a key change from the image the batch holds of the old key', () => {
    const [batch] = coalesced([insert(['1', 'a', 'large']), ...keyChange('1', ['2', 'b', undefined])]);
    expect(batch).toMatchObject({ upserts: [['2', 'b', 'large']], deletes: [], moves: [] });
  });

  it('moves the row itself, after everything before it, when its new image lacks cells', () => {
    const batches = coalesced([
      update(['1', 'b', undefined]),
      ...keyChange('1', ['2', 'c', undefined]),
      update(['2', 'd', undefined]),
    ]);
    expect(batches.map(({ patches, moves }) => ({ patches, moves }))).toEqual([
      { patches: [['1', 'b', undefined]], moves: [] },
      { patches: [], moves: [{ key: ['1'], row: ['2', 'c', undefined] }] },
      { patches: [['2', 'd', undefined]], moves: [] },
    ]);
  });

  it('moves rows that do not meet in one call, beside the rest', () => {
    const batches = coalesced([
      ...keyChange('1', ['2', 'c', undefined]),
      update(['5', 'x', undefined]),
      ...keyChange('3', ['4', 'd', undefined]),
    ]);
    expect(batches).toHaveLength(1);
    expect(batches[0]?.moves).toHaveLength(2);
    expect(batches[0]?.patches).toEqual([['5', 'x', undefined]]);
  });

  it('never names a key twice in one batch, and comes to what the events come to one by one', () => {
    const cell = fc.constantFrom('a', 'b', 'c');
    const key = fc.constantFrom('1', '2', '3');
    const step = fc.tuple(fc.nat(3), key, key, cell, fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const leader = new Map<string, Row>([['1', ['1', 'old', 'kept']]]);
        const follower = new Map(leader);
        const into = keyed();
        for (const [kind, from, to, value, spare] of steps) {
          for (const event of leaderStep(leader, kind, from, to, value, spare)) into.add(event);
        }
        for (const batch of into.take()) applyTo(follower, batch);
        expect(Object.fromEntries(follower)).toEqual(Object.fromEntries(leader));
      }),
    );
  });
});

/** What a leader would do and send; `spare` leaves the large column out of the image. */
function leaderStep(
  rows: Map<string, Row>,
  kind: number,
  from: string,
  to: string,
  value: string,
  spare: boolean,
): TableEvent[] {
  const old = rows.get(from);
  if (!old) {
    const row = [from, value, `large ${value}`];
    rows.set(from, row);
    return [insert(row)];
  }
  if (kind === 0) {
    rows.delete(from);
    return [remove([from, null, null])];
  }
  const image: Row = [kind === 1 && !rows.has(to) ? to : from, value, spare ? undefined : `large ${value}`];
  const row = overlay(old, image);
  rows.delete(from);
  rows.set(row[0] as string, row);
  return row[0] === from ? [update(image)] : keyChange(from, image);
}

function applyTo(rows: Map<string, Row>, batch: TableBatch): void {
  const keys = [
    ...batch.upserts.map((row) => row[0]),
    ...batch.patches.map((row) => row[0]),
    ...batch.deletes.map(([key]) => key),
    ...batch.moves.flatMap(({ key, row }) => [key[0], row[0]]),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  for (const [key] of batch.deletes) expect(rows.delete(key as string)).toBe(true);
  for (const { key, row } of batch.moves) replace(rows, key[0], row);
  for (const row of batch.patches) replace(rows, row[0], row);
  for (const row of batch.upserts) rows.set(row[0] as string, row);
}

function replace(rows: Map<string, Row>, key: Cell, row: Row): void {
  const old = rows.get(key as string);
  expect(old).toBeDefined();
  rows.delete(key as string);
  rows.set(row[0] as string, overlay(old as Row, row));
}

describe('Coalescing a table without key', () => {
  const keyless = (): Coalescer => coalescerOf(table([]), () => false);

  it('counts copies: one delete takes one of two equal inserts away', () => {
    const row = ['1', null, 'x'];
    const [batch] = coalesced([insert(row), insert(row), remove(row)], keyless());
    expect(batch).toMatchObject({ inserts: [row], removes: [] });
  });

  it('takes an update as one copy out and one copy in', () => {
    const [batch] = coalesced([update(['1', 'b', 'x'], ['1', 'a', 'x'])], keyless());
    expect(batch).toMatchObject({ inserts: [['1', 'b', 'x']], removes: [['1', 'a', 'x']] });
  });

  it('tells null from the text "-" and cells from each other', () => {
    const [batch] = coalesced([insert(['-', null, 'ab']), remove([null, '-', 'ab'])], keyless());
    expect(batch).toMatchObject({ inserts: [['-', null, 'ab']], removes: [[null, '-', 'ab']] });
  });
});
