import type { ChunkNote, SnapshotState } from '@millrace/log';
import { lsnZero, type Row } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { testRelation } from '../memory/shop.js';
import type { Visibility } from '../source.js';
import { type ChunkInputs, chunkRows, type WindowChange } from './chunk-rows.js';
import { overlay } from './overlay.js';
import {
  isFinished,
  listed,
  newSnapshot,
  remainingAfter,
  unfinished,
  withoutTopic,
  withRanges,
} from './states.js';
import { fullXid, isVisible, type StreamedXids, windowVerdict } from './visibility.js';
import { XidRecorder } from './xid-recorder.js';

const seesUpTo = (xmax: number, ...inProgress: number[]): Visibility => ({
  xmin: BigInt(Math.min(xmax, ...inProgress)),
  xmax: BigInt(xmax),
  inProgress: inProgress.map(BigInt),
});

describe('visibility', () => {
  it('is below xmin always, between unless in progress, from xmax on never', () => {
    const snapshot = seesUpTo(20, 12, 15);
    const inProgress = new Set(snapshot.inProgress);
    expect([11n, 12n, 13n, 15n, 19n, 20n].map((xid) => isVisible(xid, snapshot, inProgress))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('takes 32-bit transaction ids for the nearest 64-bit ones, across a wraparound', () => {
    expect(fullXid(5, 0x1_0000_0003n)).toBe(0x1_0000_0005n);
    expect(fullXid(0xffff_fff0, 0x1_0000_0003n)).toBe(0xffff_fff0n);
    expect(fullXid(3, 0xffff_fff0n)).toBe(0x1_0000_0003n);
    expect(fullXid(700, 701n)).toBe(700n);
  });
});

describe('a window (R36)', () => {
  const xids = (parts: Partial<StreamedXids>): StreamedXids => ({
    beforeLow: [],
    inWindow: new Set(),
    recordedFrom: 10,
    overflowed: false,
    ...parts,
  });

  it('is used when everything streamed before it was visible', () => {
    expect(windowVerdict(seesUpTo(20), xids({ beforeLow: [11, 12] }))).toEqual({ usable: true });
    expect(windowVerdict(seesUpTo(20, 15), xids({ beforeLow: [11], inWindow: new Set([15]) }))).toEqual({
      usable: true,
    });
  });

  it('is not when a commit before it was not visible, in progress or from xmax on', () => {
    expect(windowVerdict(seesUpTo(20, 12), xids({ beforeLow: [12] })).usable).toBe(false);
    expect(windowVerdict(seesUpTo(20), xids({ beforeLow: [21] })).usable).toBe(false);
  });

  it('is not while a transaction older than the recording is open: its commit may have been streamed before', () => {
    expect(windowVerdict(seesUpTo(20, 9), xids({})).usable).toBe(false);
    expect(windowVerdict(seesUpTo(20, 9), xids({ inWindow: new Set([9]) })).usable).toBe(true);
    expect(windowVerdict(seesUpTo(20, 11), xids({})).usable).toBe(true);
  });

  it('is not when the recording had to forget', () => {
    const recorder = new XidRecorder(3);
    recorder.start();
    recorder.low(1);
    for (const xid of [1, 2, 3, 4]) recorder.committed(xid);
    expect(recorder.high().overflowed).toBe(true);
    recorder.low(6);
    recorder.committed(6);
    expect(recorder.high()).toMatchObject({ overflowed: false, recordedFrom: 6 });
  });

  it('remembers what no later read is sure to see, and forgets the rest', () => {
    const recorder = new XidRecorder(100);
    recorder.start();
    recorder.committed(4);
    recorder.low(5);
    recorder.committed(5);
    recorder.committed(6);
    expect([...recorder.high().beforeLow]).toEqual([4]);
    recorder.seen(seesUpTo(9, 6));
    recorder.low(8);
    expect([...recorder.high().beforeLow]).toEqual([6]);
  });
});

describe('the rows of a chunk', () => {
  const keyed = testRelation(1, 'orders');
  const keyless = testRelation(2, 'lines', { key: [], identity: 'full' });
  const inputs = (read: readonly Row[], changes: readonly WindowChange[], relation = keyed): ChunkInputs => ({
    relation,
    read,
    changes,
    visibility: seesUpTo(100, 50),
    overlay,
  });
  const change = (op: WindowChange['op'], before?: Row, after?: Row, xid = 200): WindowChange => ({
    xid,
    op,
    before,
    after,
  });
  const rowsOf = (given: ChunkInputs): readonly Row[] | string => {
    const result = chunkRows(given);
    return 'rows' in result ? result.rows : result.incomplete;
  };

  it('take only what the read did not see: what it saw is in them', () => {
    const seen = change('update', undefined, ['1', 'old', 'x'], 40);
    const unseen = change('update', undefined, ['1', 'new', 'x'], 50);
    expect(rowsOf(inputs([['1', 'read', 'x']], [unseen, seen]))).toEqual([['1', 'new', 'x']]);
  });

  it('keep the read’s value where an update spared the large one (R29)', () => {
    const spared = change('update', undefined, ['1', 'new', undefined]);
    expect(rowsOf(inputs([['1', 'read', 'large']], [spared]))).toEqual([['1', 'new', 'large']]);
  });

  it('leave deleted rows out and take inserted ones in', () => {
    const changes = [change('delete', ['1', null, null]), change('insert', undefined, ['2', 'b', null])];
    expect(rowsOf(inputs([['1', 'a', null]], changes))).toEqual([['2', 'b', null]]);
  });

  it('follow a row to its new key, with what it had', () => {
    const moved = change('update', ['1', undefined, undefined], ['9', 'a', undefined]);
    expect(rowsOf(inputs([['1', 'a', 'large']], [moved]))).toEqual([['9', 'a', 'large']]);
  });

  it('are incomplete when a row came from outside with a value nobody sent', () => {
    const moved = change('update', ['77', undefined, undefined], ['9', 'a', undefined]);
    expect(rowsOf(inputs([['1', 'a', 'x']], [moved]))).toMatch(/outside/);
  });

  it('leave rows outside the range alone', () => {
    const outside = change('update', undefined, ['77', 'z', undefined]);
    expect(rowsOf(inputs([['1', 'a', 'x']], [outside]))).toEqual([['1', 'a', 'x']]);
  });

  it('begin anew at a truncate', () => {
    const changes = [change('truncate'), change('insert', undefined, ['5', 'e', null])];
    expect(rowsOf(inputs([['1', 'a', 'x']], changes))).toEqual([['5', 'e', null]]);
  });

  it('without a key are a multiset', () => {
    const row: Row = ['1', 'a', null];
    const changes = [change('delete', row), change('update', row, ['1', 'b', null])];
    expect(rowsOf(inputs([row, row, row], changes, keyless))).toEqual([row, ['1', 'b', null]]);
  });
});

describe('what remains of a snapshot', () => {
  const note = (parts: Partial<ChunkNote>): ChunkNote => ({
    snapshot: 1,
    table: 1,
    chunk: 0,
    cursor: null,
    ...parts,
  });
  const ranges = [
    { after: null, upTo: ['5'] },
    { after: ['5'], upTo: ['9'] },
    { after: ['9'], upTo: null },
  ];

  it('loses the range of an initial chunk, in any order', () => {
    expect(remainingAfter(ranges, note({ cursor: ['9'] }))).toEqual([ranges[0], ranges[2]]);
    expect(remainingAfter(ranges, note({ cursor: null }))).toEqual([ranges[0], ranges[1]]);
  });

  it('shrinks by what a window read', () => {
    const window = { after: ['5'], upTo: ['7'] };
    expect(remainingAfter(ranges, note({ cursor: ['7'], window }))).toEqual([
      ranges[0],
      { after: ['7'], upTo: ['9'] },
      ranges[2],
    ]);
    expect(remainingAfter(ranges, note({ window: { after: ['9'], upTo: null } }))).toEqual(
      ranges.slice(0, 2),
    );
  });

  it('tells a single key from a range that begins there', () => {
    const single = { after: ['5'], upTo: ['5'] };
    const left = remainingAfter([...ranges, single], note({ cursor: ['5'], window: single }));
    expect(left).toEqual(ranges);
    expect(remainingAfter([...ranges, single], note({ window: { after: ['5'], upTo: ['9'] } }))).toEqual([
      ranges[0],
      ranges[2],
      single,
    ]);
  });

  it('is what is listed: finished ones only for their number', () => {
    const at = { history: 0, end: lsnZero };
    const first = newSnapshot([], [1, 2], at);
    const done: SnapshotState = {
      ...first,
      tables: first.tables.map(({ topic }) => ({ topic, remaining: [] })),
    };
    const second = newSnapshot([done], [3], at);
    expect(second.id).toBe(2);
    expect(listed([done, second])).toEqual([second]);
    expect(listed([done])).toEqual([{ ...done, tables: [] }]);
    expect(isFinished(done)).toBe(true);
    expect(unfinished([second, first]).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('gives a table to the snapshot that reads it anew, and takes single keys in once', () => {
    const snapshot = newSnapshot([], [1, 2], { history: 0, end: lsnZero });
    expect(withoutTopic([snapshot], 1)[0]?.tables.map(({ topic }) => topic)).toEqual([2]);
    const single = { after: ['4'], upTo: ['4'] };
    const twice = withRanges(withRanges([snapshot], 1, 2, [single]), 1, 2, [single]);
    expect(twice[0]?.tables[1]?.remaining).toEqual([{ after: null, upTo: null }, single]);
  });
});
