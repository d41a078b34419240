import {
  type Column,
  type ColumnType,
  lsn,
  type Position,
  type Relation,
  type SchemaChange,
} from '@millrace/model';
import { isFault } from '@millrace/runtime';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnchor, encodeAnchor } from './anchor-codec.js';
import { decodeRecord, encodeRecord } from './record-codec.js';
import type { BatchRecord, ChunkNote, IntentRecord, ProgressRecord, RecordHead } from './records.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new Uint8Array(bytes));
const wal = u64.map(lsn);
const position: Arbitrary<Position> = fc.record({ history: u32, end: wal });
const few = <T>(item: Arbitrary<T>): Arbitrary<T[]> => fc.array(item, { maxLength: 3 });
const maybe = <K extends string, T>(key: K, value: Arbitrary<T>): Arbitrary<{ [P in K]?: T }> =>
  fc
    .option(value, { nil: undefined })
    .map((found) => (found === undefined ? {} : { [key]: found })) as Arbitrary<{
    [P in K]?: T;
  }>;

const { type } = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc
    .tuple(
      fc.record({
        oid: u32,
        schema: text,
        name: text,
        kind: fc.constantFrom('base', 'array', 'enum', 'domain', 'composite', 'range', 'multirange'),
        typmod: i32,
        sql: text,
      }),
      fc.option(tie('type'), { nil: undefined, depthSize: 'small', maxDepth: 3 }),
      fc.option(tie('type'), { nil: undefined, depthSize: 'small', maxDepth: 3 }),
      maybe('labels', few(text)),
    )
    .map(([fixed, element, base, labels]) => ({
      ...fixed,
      ...(element && { element }),
      ...(base && { base }),
      ...labels,
    })) as Arbitrary<ColumnType>,
}));
const column: Arbitrary<Column> = fc.record({
  attnum: i32,
  name: text,
  type,
  notNull: fc.boolean(),
  generated: fc.boolean(),
  missing: fc.option(text),
});
const relation: Arbitrary<Relation> = fc.record({
  id: u32,
  schema: text,
  name: text,
  columns: few(column),
  identity: fc.constantFrom('default', 'index', 'full', 'nothing'),
  key: few(u32),
});
const change: Arbitrary<SchemaChange> = fc.oneof(
  fc.constant({ kind: 'create-table' } as const),
  fc.record({ kind: fc.constant('rename-table' as const), from: fc.record({ schema: text, name: text }) }),
  fc.record({
    kind: fc.constantFrom('add-column' as const, 'drop-column' as const, 'change-nullability' as const),
    column,
  }),
  fc.record({ kind: fc.constant('rename-column' as const), from: text, column }),
  fc.record({ kind: fc.constant('retype-column' as const), from: column, column }),
  fc.record({ kind: fc.constant('change-key' as const), fromKey: few(i32), toKey: few(i32) }),
);

const shape = fc.record({ topic: u16, version: u32, relation });
const layoutTopic = fc.record({ number: u16, name: text, partitions: u32, endOffsets: few(u64) });
const cells = fc.option(few(text));
const keyRange = fc.record({ after: cells, upTo: cells });
const chunk = fc
  .tuple(fc.record({ snapshot: u32, table: u16, chunk: u32, cursor: cells }), maybe('window', keyRange))
  .map(([fixed, window]) => ({ ...fixed, ...window })) as Arbitrary<ChunkNote>;
const batch = fc
  .tuple(
    fc.record({
      from: position,
      to: position,
      eventsEpoch: u32,
      firstCommit_us: i64,
      lastCommit_us: i64,
      transactions: u32,
      events: u64,
      ranges: few(fc.record({ topic: u16, partition: u32, first: u64, last: u64, count: u32 })),
      barrier: fc.boolean(),
      snapshotDone: fc.boolean(),
    }),
    maybe('chunk', chunk),
  )
  .map(([fixed, note]) => ({ ...fixed, ...note })) as Arbitrary<IntentRecord['batch']>;
const fork = fc
  .tuple(wal, maybe('retracted', fc.record({ from: wal, to: wal })))
  .map(([forkAt, retracted]) => ({ forkAt, ...retracted }));
const snapshot = fc.record({
  id: u32,
  kind: fc.constantFrom('initial' as const, 'windowed' as const),
  startedAt: position,
  tables: few(fc.record({ topic: u16, remaining: few(keyRange) })),
});

const head: Arbitrary<RecordHead> = fc.record({ logId: id, epoch: u32, nonce: id, seq: u64 });
const body = fc.oneof(
  fc.record({ kind: fc.constant('claim' as const), host: text, pid: u32, version: text }),
  fc
    .tuple(
      fc.record({
        kind: fc.constant('open' as const),
        at: position,
        systemId: u64,
        timeline: u32,
        ancestry: few(fc.record({ timeline: u32, switchLsn: wal })),
        layout: few(layoutTopic),
        snapshots: few(snapshot),
        relations: few(shape),
      }),
      maybe('fork', fork),
    )
    .map(([fixed, forked]) => ({ ...fixed, ...forked })),
  fc.record({
    kind: fc.constant('schema' as const),
    at: position,
    shape,
    changes: few(change),
    repair: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('layout' as const), at: position, topics: few(layoutTopic) }),
  batch.map((fields) => ({ kind: 'progress' as const, ...fields })),
  fc.record({ kind: fc.constant('intent' as const), number: u64, batch }),
);
const record = fc.tuple(head, body).map(([h, b]) => ({ ...h, ...b })) as Arbitrary<ProgressRecord>;

const codesOf = (bytes: Uint8Array): string | undefined => {
  try {
    decodeRecord(bytes);
    return undefined;
  } catch (error) {
    if (!isFault(error)) throw error;
    return error.code;
  }
};

const sample: BatchRecord = {
  kind: 'progress',
  logId: new Uint8Array(16).fill(1),
  epoch: 2,
  nonce: new Uint8Array(16).fill(3),
  seq: 4n,
  from: { history: 0, end: lsn(0x10n) },
  to: { history: 0, end: lsn(0xffff_ffff_ffff_ffffn) },
  eventsEpoch: 2,
  firstCommit_us: -1n,
  lastCommit_us: 5n,
  transactions: 1,
  events: 1n,
  ranges: [{ topic: 1, partition: 0, first: 2n ** 63n, last: 2n ** 63n, count: 1 }],
  barrier: true,
  snapshotDone: false,
  chunk: { snapshot: 1, table: 1, chunk: 0, cursor: ['ключ', ''], window: { after: null, upTo: ['z'] } },
};

describe('the record codec', () => {
  it('gives back every record exactly, nested types and 64-bit positions included', () => {
    fc.assert(
      fc.property(record, (value) => {
        expect(decodeRecord(encodeRecord(value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('writes the head where the protocol says', () => {
    const bytes = Buffer.from(encodeRecord(sample));
    expect(bytes[0]).toBe(1);
    expect(bytes[1]).toBe(5);
    expect(bytes.subarray(2, 18)).toEqual(Buffer.from(sample.logId));
    expect(bytes.readUInt32BE(18)).toBe(2);
    expect(bytes.subarray(22, 38)).toEqual(Buffer.from(sample.nonce));
    expect(bytes.readBigUInt64BE(38)).toBe(4n);
  });

  it('refuses a record cut at any byte, naming the offset', () => {
    const bytes = encodeRecord(sample);
    for (let length = 0; length < bytes.length; length++) {
      expect(codesOf(bytes.subarray(0, length)), `cut at ${length}`).toBe('MR-3012');
    }
    try {
      decodeRecord(bytes.subarray(0, 20));
    } catch (error) {
      expect(error).toMatchObject({ context: { offset: 18 } });
    }
  });

  it('refuses bytes after a record', () => {
    expect(codesOf(Buffer.concat([encodeRecord(sample), Buffer.of(0)]))).toBe('MR-3012');
  });

  it('stops at an unknown version or kind', () => {
    for (const [at, value] of [
      [0, 2],
      [1, 0],
      [1, 7],
    ] as const) {
      const bytes = Buffer.from(encodeRecord(sample));
      bytes[at] = value;
      expect(codesOf(bytes)).toBe('MR-3011');
    }
  });

  it('never throws anything but a typed fault, and allocates nothing hostile counts ask for', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
        const bytes = Buffer.from(encodeRecord(value));
        bytes[at % bytes.length] = byte;
        expect(['MR-3011', 'MR-3012', undefined]).toContain(codesOf(bytes));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['MR-3011', 'MR-3012', undefined]).toContain(codesOf(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses text that is not UTF-8 instead of replacing bytes', () => {
    const bytes = Buffer.from(encodeRecord({ ...head0, kind: 'claim', host: 'host', pid: 1, version: 'v' }));
    bytes[bytes.indexOf('host')] = 0xff;
    expect(codesOf(bytes)).toBe('MR-3012');
  });

  it('gives back every anchor exactly and refuses a cut one', () => {
    const anchor = fc.record({ offset: i64, epoch: u32, nonce: id, seq: u64, position });
    fc.assert(
      fc.property(anchor, (value) => {
        const bytes = encodeAnchor(value);
        expect(decodeAnchor(bytes)).toEqual(value);
        for (let length = 0; length < bytes.length; length += 7)
          expect(() => decodeAnchor(bytes.subarray(0, length))).toThrow(/MR-3012/);
      }),
      { numRuns: 50 },
    );
  });
});

const head0: RecordHead = { logId: new Uint8Array(16), epoch: 1, nonce: new Uint8Array(16), seq: 0n };
