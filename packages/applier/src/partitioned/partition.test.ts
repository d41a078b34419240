import type { FollowerPartition } from '@millrace/follower';
import type { BatchRecord, CountingRecord, RecordRange } from '@millrace/log';
import { describe, expect, it } from 'vitest';
import { partitionOf } from './partition.js';

const handle = {} as FollowerPartition;
const range = (topic: number, partition: number, count: number): RecordRange => ({
  topic,
  partition,
  first: 0n,
  last: BigInt(count - 1),
  count,
});
/** Topic 1 has six partitions, topic 2 one. */
const ranges = [...[0, 1, 2, 3, 4, 5].map((partition) => range(1, partition, partition + 1)), range(2, 0, 9)];
const record = { kind: 'progress', ranges, events: 30n } as unknown as BatchRecord;
const counting = { offset: 7n, record, state: { to: { history: 0, end: 1n } } } as unknown as CountingRecord;

describe('The part of a record that a partition applies', () => {
  it('is each range exactly once over all partitions, with its own number of events', () => {
    const count = 4;
    const parts = Array.from({ length: count }, (_, number) => {
      const own = partitionOf(number, count, handle).ownPart(counting).record as BatchRecord;
      expect(own.events).toBe(BigInt(own.ranges.reduce((sum, each) => sum + each.count, 0)));
      for (const { partition } of own.ranges) expect(partition % count).toBe(number);
      return own;
    });
    expect(parts.flatMap((part) => part.ranges)).toHaveLength(ranges.length);
    expect(new Set(parts.flatMap((part) => part.ranges))).toEqual(new Set(ranges));
    expect(parts.reduce((sum, { events }) => sum + events, 0n)).toBe(record.events);
  });

  it('is nothing but the position where the record has no events for it', () => {
    const own = partitionOf(6, 7, handle).ownPart(counting);
    expect(own).toMatchObject({ offset: 7n, state: counting.state, record: { ranges: [], events: 0n } });
  });

  it('leaves records without events as they are', () => {
    const schema = { ...counting, record: { kind: 'schema' } } as unknown as CountingRecord;
    expect(partitionOf(0, 2, handle).ownPart(schema)).toBe(schema);
    expect(partitionOf(0, 2, handle).isFirst).toBe(true);
    expect(partitionOf(1, 2, handle).isFirst).toBe(false);
  });
});
