import { RecordCursor } from '@millrace/log';
import { type Change, lsn, type RowImage, rowImageOf, rowOf } from '@millrace/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testColumn, testRelation } from '../memory/shop.js';
import { addRanges, BatchBuilder, type PartRanges, type SealedBatch } from './batch-builder.js';
import { type EventOrigin, EventWriter } from './event-writer.js';
import { absentBitmap, fillAbsent, hasAbsent, keyChanged } from './images.js';
import { murmur2, partitionOf } from './partitioner.js';
import type { Shape } from './shape.js';
import { topicNameOf } from './topic-names.js';

describe('the partitioner', () => {
  // From Apache Kafka's own UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Kafka does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('gives every key a partition of the layout, whatever stands around it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        fc.integer({ min: 1, max: 64 }),
        (key, around, partitions) => {
          const buffer = Buffer.concat([around, key, around]);
          const partition = partitionOf(buffer, around.length, around.length + key.length, partitions);
          expect(partition).toBe(partitionOf(key, 0, key.length, partitions));
          expect(partition).toBeGreaterThanOrEqual(0);
          expect(partition).toBeLessThan(partitions);
        },
      ),
    );
  });
});

describe('topic names', () => {
  it('are Debezium’s', () => {
    const name = topicNameOf('shop', { id: 1, schema: 'public', name: 'größe "x"' }, () => false);
    expect(name).toBe('shop.public.gr__e__x_');
  });

  it('are never shared by two tables', () => {
    const name = topicNameOf(
      'shop',
      { id: 7, schema: 'public', name: 'a b' },
      (taken) => taken === 'shop.public.a_b',
    );
    expect(name).toBe('shop.public.a_b.7');
    expect(topicNameOf('p', { id: 7, schema: 's', name: 'n'.repeat(400) }, () => false)).toHaveLength(249);
  });
});

describe('images', () => {
  const relation = testRelation(1, 't', {
    columns: Array.from({ length: 10 }, (_, i) => testColumn(i + 1, `c${i}`, 'text')),
    key: [0, 9],
  });
  const row = (...cells: (string | null | undefined)[]): RowImage => rowImageOf(cells);

  it('tell absent columns bit by bit, lowest first', () => {
    const image = row('a', undefined, null, 'd', 'e', 'f', 'g', 'h', 'i', undefined);
    expect([...absentBitmap(image)]).toEqual([0b10, 0b10]);
    expect(absentBitmap(row('a', null))).toHaveLength(0);
    expect(hasAbsent(image)).toBe(true);
  });

  it('take absent cells from a full old row, and only those of the key from another', () => {
    const before = row('k', 'old', 'x', '', '', '', '', '', '', 'z');
    const after = row('k', undefined, null, '', '', '', '', '', '', undefined);
    expect(rowOf(fillAbsent(relation, before, true, after)).slice(0, 3)).toEqual(['k', 'old', null]);
    const keyOnly = rowOf(fillAbsent(relation, before, false, after));
    expect([keyOnly[1], keyOnly[9]]).toEqual([undefined, 'z']);
  });

  it('do not take NULL for a value that an update spared', () => {
    const before = row('k', null, null, '', '', '', '', '', '', 'z');
    const after = row('k', undefined, null, '', '', '', '', '', '', 'z');
    const filled = fillAbsent(relation, before, true, after);
    expect(filled).toBe(after);
    expect(rowOf(filled)[1]).toBeUndefined();
  });

  it('know a key change by its cells; an absent key cell is unchanged', () => {
    const before = row('k', '', '', '', '', '', '', '', '', 'z');
    expect(keyChanged(relation, before, row('k', 'n', '', '', '', '', '', '', '', 'z'))).toBe(false);
    expect(keyChanged(relation, before, row('k', 'n', '', '', '', '', '', '', '', 'zz'))).toBe(true);
    expect(keyChanged(relation, before, row('k', 'n', '', '', '', '', '', '', '', undefined))).toBe(false);
  });
});

/** Writes cells joined by commas: enough to see what went where. */
const shape: Shape = {
  number: 1,
  name: 't',
  partitions: 2,
  version: 4,
  relation: testRelation(1, 't'),
  encoder: {
    keyed: true,
    key: (image, out) => out.utf8(String(rowOf(image)[0])),
    value: (op, change, _context, out) => {
      const image = op === 'd' ? change.before : change.after;
      out.utf8(`${op} ${image ? rowOf(image).join() : ''}`);
    },
  },
  keyed: true,
  keylessPartition: 1,
  slots: [],
};

const origin: EventOrigin = {
  commit: lsn(100n),
  xid: 1,
  sourceTime_us: 0n,
  processedAt_us: 0n,
  lastCommit: undefined,
  snapshot: 'false',
  chunk: 0,
  flags: 0,
};

const change = (parts: Partial<Change>): Change => ({
  op: 'insert',
  relation: shape.relation,
  lsnHigh: 0,
  lsnLow: 0,
  before: undefined,
  beforeIsFull: false,
  after: undefined,
  ...parts,
});

function eventsOf({ slots }: Pick<SealedBatch, 'slots'>): string[] {
  return slots
    .flatMap(({ packer }) => {
      const cursor = new RecordCursor(packer.records());
      const events: string[] = [];
      while (cursor.next())
        events.push(
          `${cursor.commit}/${cursor.ordinal} f${cursor.flags} ${cursor.key() ?? '-'}: ${cursor.value() ?? 'tombstone'}`,
        );
      return events;
    })
    .sort();
}

describe('events', () => {
  function written(...changes: readonly Change[]): string[] {
    const builder = new BatchBuilder();
    const writer = new EventWriter(builder, 3);
    builder.begin();
    writer.begin(origin);
    for (const each of changes) writer.change(shape, each);
    builder.commit(lsn(110n), 0n);
    return eventsOf(builder.seal() as SealedBatch);
  }

  it('of a delete are the delete and an uncounted tombstone of the same ordinal', () => {
    const events = written(change({ op: 'delete', before: rowImageOf(['1', null, null]) }));
    expect(events).toEqual(['100/0 f0 1: d 1,,', '100/0 f1 1: tombstone']);
  });

  it('of a key change are two, with a tombstone for the old key', () => {
    const move = change({
      op: 'update',
      before: rowImageOf(['1', null, null]),
      after: rowImageOf(['2', 'b', 'c']),
    });
    expect(written(move)).toEqual(['100/0 f4 1: d 1,,', '100/0 f5 1: tombstone', '100/1 f8 2: c 2,b,c']);
  });

  it('of a truncate go without a key to the partition of the topic’s name', () => {
    expect(written(change({ op: 'truncate' }))).toEqual(['100/0 f0 -: t ']);
  });
});

describe('a batch', () => {
  const insert = (id: number): Change => change({ after: rowImageOf([String(id), 'n', null]) });

  it('can be cut before an open transaction, whose events all stay together', () => {
    const perTransaction = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(perTransaction, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        (transactions, cutSeed) => {
          const builder = new BatchBuilder();
          const writer = new EventWriter(builder, 3);
          const sealed: { events: string[]; count: number; transactions: number }[] = [];
          const seal = (): void => {
            const batch = builder.seal();
            if (!batch) return;
            sealed.push({ events: eventsOf(batch), count: batch.events, transactions: batch.transactions });
            builder.recycle(batch);
          };
          const expected: string[] = [];
          transactions.forEach((ids, t) => {
            builder.begin();
            writer.begin({ ...origin, commit: lsn(100n + BigInt(t)) });
            ids.forEach((id, i) => {
              writer.change(shape, insert(id));
              expected.push(`${100 + t}/${i} f0 ${id}: c ${id},n,`);
              if ((t * 7 + i + cutSeed) % 3 === 0) seal();
            });
            builder.commit(lsn(101n + BigInt(t)), 0n);
            if ((t + cutSeed) % 4 === 0) seal();
          });
          seal();
          expect(sealed.flatMap(({ events }) => events).sort()).toEqual(expected.sort());
          expect(sealed.reduce((sum, batch) => sum + batch.transactions, 0)).toBe(transactions.length);
          for (const { events, count } of sealed) expect(events).toHaveLength(count);
          expect(builder.bytes).toBe(0);
          for (const { events } of sealed)
            for (const event of events) {
              const commit = event.slice(0, event.indexOf('/'));
              const whole = expected.filter((each) => each.startsWith(`${commit}/`)).length;
              expect(events.filter((each) => each.startsWith(`${commit}/`))).toHaveLength(whole);
            }
        },
      ),
    );
  });

  it('knows what its open transaction has written, however it was cut meanwhile', () => {
    const builder = new BatchBuilder();
    const writer = new EventWriter(builder, 3);
    const begin = (at: bigint): void => {
      builder.begin();
      writer.begin({ ...origin, commit: lsn(at) });
    };
    begin(100n);
    expect(builder.hasWritten(1)).toBe(false);
    writer.change(shape, insert(1));
    expect(builder.hasWritten(1)).toBe(true);
    expect(builder.hasWritten(2)).toBe(false);
    builder.commit(lsn(110n), 0n);
    expect(builder.hasWritten(1)).toBe(false);
    begin(120n);
    expect(builder.hasWritten(1)).toBe(false);
    writer.change(shape, insert(2));
    builder.seal();
    expect(builder.hasWritten(1)).toBe(true);
    builder.takePart();
    expect(builder.hasWritten(1)).toBe(true);
    builder.commit(lsn(130n), 0n);
    begin(140n);
    expect(builder.hasWritten(1)).toBe(false);
  });

  it('adds the ranges of parts that went ahead', () => {
    const builder = new BatchBuilder();
    const writer = new EventWriter(builder, 3);
    builder.begin();
    writer.begin(origin);
    for (let i = 0; i < 5; i++) writer.change(shape, insert(1));
    const { part, ranges } = builder.takePart();
    const [slot] = part.slots;
    addRanges(ranges, part, [{ topic: 't', partition: slot?.partition ?? 0, first: 10n, last: 14n }]);
    for (let i = 0; i < 2; i++) writer.change(shape, insert(1));
    builder.commit(lsn(110n), 0n);
    const batch = builder.seal() as SealedBatch;
    const all: PartRanges = new Map(batch.earlier);
    addRanges(all, batch, [{ topic: 't', partition: slot?.partition ?? 0, first: 20n, last: 21n }]);
    expect([...all.values()]).toMatchObject([{ first: 10n, last: 21n, count: 7 }]);
  });
});
