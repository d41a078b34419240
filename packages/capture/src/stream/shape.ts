import type { EventEncoder } from '@millrace/codec';
import type { Relation } from '@millrace/model';
import type { BatchBuilder, Slot } from './batch-builder.js';

/** A relation version in force, with what the hot path needs at hand. */
export interface Shape {
  /** Topic number and name. */
  readonly number: number;
  readonly name: string;
  readonly partitions: number;
  readonly version: number;
  readonly relation: Relation;
  readonly encoder: EventEncoder;
  readonly keyed: boolean;
  /** R17: events without a key hash the topic's name, so that a keyless table lives on one partition, in one order. */
  readonly keylessPartition: number;
  /** Cache of the builder's slots, by partition. */
  readonly slots: ({ readonly owner: BatchBuilder; readonly slot: Slot } | undefined)[];
}
