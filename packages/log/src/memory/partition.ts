import { Fault } from '@millrace/runtime';
import type { Watermarks } from '../port.js';

/** Name under which faults and tampering address the progress partition. */
export const progressTopic = '__progress';

/** One record as stored; immutable. */
export interface StoredRecord {
  readonly offset: bigint;
  readonly bytes: Uint8Array;
}

/** One partition of the memory log: records in order, offsets growing, holes allowed. */
export class MemoryPartition {
  readonly name: string;
  records: readonly StoredRecord[] = [];
  low = 0n;
  high = 0n;

  constructor(name: string) {
    this.name = name;
  }

  append(records: readonly Uint8Array[], hole = 0): { first: bigint; last: bigint } {
    const first = this.high + BigInt(hole);
    const stored = records.map((bytes, i) => ({ offset: first + BigInt(i), bytes }));
    (this.records as StoredRecord[]).push(...stored);
    this.high = first + BigInt(records.length);
    return { first, last: this.high - 1n };
  }

  watermarks(): Watermarks {
    return { low: this.low, high: this.high };
  }

  /** Index of the first record at or after `offset`. Throws MR-3003 below the low watermark. */
  indexOf(offset: bigint): number {
    if (offset < this.low)
      throw new Fault('MR-3003', {
        detail: `${this.name} begins at offset ${this.low}, offset ${offset} is needed`,
        context: { low: this.low, offset },
      });
    let from = 0;
    let to = this.records.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.records[middle] as StoredRecord).offset < offset) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  trim(before: bigint): void {
    if (before <= this.low) return;
    this.low = before < this.high ? before : this.high;
    this.records = this.records.filter((record) => record.offset >= this.low);
  }

  copy(): MemoryPartition {
    const copy = new MemoryPartition(this.name);
    copy.records = [...this.records];
    copy.low = this.low;
    copy.high = this.high;
    return copy;
  }
}
