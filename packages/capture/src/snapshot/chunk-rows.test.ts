import { type Row, rowImageOf, rowOf } from '@millrace/model';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testRelation } from '../memory/shop.js';
import type { WindowChange } from './chunk-overlay.js';
import { chunkOverlay, missingRow, type OverlayInputs } from './chunk-rows.js';
import { overlay } from './overlay.js';
import { RowSpool } from './row-spool.js';

interface Given extends OverlayInputs {
  readonly read: readonly Row[];
}

/** The chunk's rows, or why it is incomplete. */
async function rowsOf({ read, ...inputs }: Given): Promise<readonly Row[] | string> {
  const laid = chunkOverlay(inputs);
  if ('incomplete' in laid) return laid.incomplete;
  const spool = new RowSpool({ columns: inputs.relation.columns.length, memory_bytes: 1e6 });
  for (const row of read) spool.add(rowImageOf(row));
  await spool.finish();
  const missing = await missingRow(laid, spool);
  if (missing !== undefined) return missing;
  const rows: Row[] = [];
  await spool.each({
    row(image): void {
      const now = laid.onto(image);
      if (now) rows.push(rowOf(now));
    },
    room: () => undefined,
  });
  return [...rows, ...laid.added()];
}

describe('the rows of a chunk', () => {
  const keyed = testRelation(1, 'orders');
  const keyless = testRelation(2, 'lines', { key: [], identity: 'full' });
  const inputs = (read: readonly Row[], changes: readonly WindowChange[], relation = keyed): Given => ({
    read,
    relation,
    changes,
    visibility: { xmin: 50n, xmax: 100n, inProgress: [50n] },
    overlay,
  });
  const change = (op: WindowChange['op'], before?: Row, after?: Row, xid = 200): WindowChange => ({
    xid,
    op,
    before,
    after,
  });
  it('take only what the read did not see: what it saw is in them', async () => {
    const seen = change('update', undefined, ['1', 'old', 'x'], 40);
    const unseen = change('update', undefined, ['1', 'new', 'x'], 50);
    expect(await rowsOf(inputs([['1', 'read', 'x']], [unseen, seen]))).toEqual([['1', 'new', 'x']]);
  });

  it('keep the read’s value where an update spared the large one (R29)', async () => {
    const spared = change('update', undefined, ['1', 'new', undefined]);
    expect(await rowsOf(inputs([['1', 'read', 'large']], [spared]))).toEqual([['1', 'new', 'large']]);
  });

  it('leave deleted rows out and take inserted ones in', async () => {
    const changes = [change('delete', ['1', null, null]), change('insert', undefined, ['2', 'b', null])];
    expect(await rowsOf(inputs([['1', 'a', null]], changes))).toEqual([['2', 'b', null]]);
  });

  it('follow a row to its new key, with what it had', async () => {
    const moved = change('update', ['1', undefined, undefined], ['9', 'a', undefined]);
    expect(await rowsOf(inputs([['1', 'a', 'large']], [moved]))).toEqual([['9', 'a', 'large']]);
  });

  it('are incomplete when a row came from outside with a value nobody sent', async () => {
    const moved = change('update', ['77', undefined, undefined], ['9', 'a', undefined]);
    expect(await rowsOf(inputs([['1', 'a', 'x']], [moved]))).toMatch(/outside/);
  });

  it('leave rows outside the range alone', async () => {
    const outside = change('update', undefined, ['77', 'z', undefined]);
    expect(await rowsOf(inputs([['1', 'a', 'x']], [outside]))).toEqual([['1', 'a', 'x']]);
  });

  it('begin anew at a truncate', async () => {
    const changes = [change('truncate'), change('insert', undefined, ['5', 'e', null])];
    expect(await rowsOf(inputs([['1', 'a', 'x']], changes))).toEqual([['5', 'e', null]]);
  });

  it('without a key are a multiset', async () => {
    const row: Row = ['1', 'a', null];
    const changes = [change('delete', row), change('update', row, ['1', 'b', null])];
    expect(await rowsOf(inputs([row, row, row], changes, keyless))).toEqual([row, ['1', 'b', null]]);
  });
});

/** A table, and transactions on it that a read saw or not: what HIGH has is what the leader then has. */
describe('the rows of a chunk, for any changes in its window,', () => {
  const step = fc.record({
    dice: fc.nat(19),
    at: fc.nat(1_000),
    key: fc.nat(7).map(String),
    name: fc.nat(2).map(String),
    large: fc.constantFrom('large', 'other', null),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** Applies a step to `rows`, and says what the leader would send of it. */
  function take(
    rows: Row[],
    { dice, at, key, name, large }: Step,
    isKeyed: boolean,
  ): WindowChange | undefined {
    const index = rows.length === 0 ? -1 : at % rows.length;
    const old = rows[index];
    const isTaken = isKeyed && rows.some(([id]) => id === key);
    if (dice === 0) {
      rows.length = 0;
      return { xid: 200, op: 'truncate', before: undefined, after: undefined };
    }
    if (!old || dice < 6) {
      if (isTaken) return undefined;
      rows.push([key, name, large]);
      return { xid: 200, op: 'insert', before: undefined, after: [key, name, large] };
    }
    const before = isKeyed ? [old[0], undefined, undefined] : old;
    if (dice < 9) {
      rows.splice(index, 1);
      return { xid: 200, op: 'delete', before, after: undefined };
    }
    const moves = dice < 14 && !isTaken;
    // An unchanged large value is not sent with a key; without one the old row fills it in.
    const after = [moves ? key : old[0], name, dice % 2 === 0 ? large : old[2]];
    rows[index] = after;
    const isSpared = isKeyed && dice % 2 === 1;
    return {
      xid: 200,
      op: 'update',
      before: moves || !isKeyed ? before : undefined,
      after: isSpared ? [after[0], name, undefined] : after,
    };
  }

  const sorted = (rows: readonly Row[] | string): string[] =>
    typeof rows === 'string' ? [rows] : rows.map((row) => JSON.stringify(row)).sort();

  it.each([
    ['with a key', true],
    ['without one', false],
  ])('%s, are those of the leader at HIGH', async (_, isKeyed) => {
    const relation = isKeyed
      ? testRelation(1, 'orders')
      : testRelation(2, 'lines', { key: [], identity: 'full' });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(step, { maxLength: 25 }),
        async (first, then) => {
          const rows: Row[] = [];
          for (const each of first) take(rows, each, isKeyed);
          const read = [...rows];
          const changes = then.flatMap((each) => take(rows, each, isKeyed) ?? []);
          const visibility = { xmin: 100n, xmax: 100n, inProgress: [] };
          const found = await rowsOf({ relation, read, changes, visibility, overlay });
          expect(sorted(found)).toEqual(sorted(rows));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
