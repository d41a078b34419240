import type { ChunkNote, SnapshotState } from '@millrace/log';
import { lsnZero } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import type { Visibility } from '../source.js';
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

  it('is nothing but single keys once the whole table was read in one window', () => {
    const single = { after: ['5'], upTo: ['5'] };
    const whole = note({ window: { after: null, upTo: null } });
    expect(remainingAfter([...ranges, single], whole)).toEqual([single]);
    expect(remainingAfter([{ after: null, upTo: null }], whole)).toEqual([]);
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
