import type { LogTable } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { Partition, PartitionedTables, PartitionsByTable } from '../source.js';

/** The log's table that says where each table's rows lay when they were looked at last. */
export const partitionsTable = 'partitions';

/** What became of a table's partitions. */
export interface PartitionChanges {
  readonly gone: readonly Partition[];
  /** Truncated, or rewritten: all their rows were replaced. */
  readonly replaced: readonly Partition[];
  readonly added: readonly Partition[];
}

export function partitionChanges(before: readonly Partition[], now: readonly Partition[]): PartitionChanges {
  const old = new Map(before.map((partition) => [partition.id, partition]));
  const ids = new Set(now.map(({ id }) => id));
  return {
    gone: before.filter(({ id }) => !ids.has(id)),
    replaced: now.filter(({ id, file }) => old.has(id) && old.get(id)?.file !== file),
    added: now.filter(({ id }) => !old.has(id)),
  };
}

/** In words, why the table may have other rows than the stream has told; undefined when it has not. */
export function suspicion(
  { gone, replaced, added }: PartitionChanges,
  cameWithRows: ReadonlySet<number>,
): string | undefined {
  const filled = added.filter(({ id }) => cameWithRows.has(id));
  const words = [
    describe(gone, 'detached or dropped'),
    describe(replaced, 'truncated or rewritten'),
    describe(filled, 'attached with rows'),
  ].filter((each) => each !== undefined);
  return words.length === 0 ? undefined : words.join('; ');
}

const named_max = 3;

function describe(partitions: readonly Partition[], what: string): string | undefined {
  if (partitions.length === 0) return undefined;
  const names = partitions.slice(0, named_max).map(({ name }) => name);
  const more = partitions.length - names.length;
  return `partition ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} ${partitions.length > 1 ? 'were' : 'was'} ${what}`;
}

export interface PartitionWatchOptions {
  readonly tables: PartitionedTables;
  readonly known: LogTable;
  /** Where rows lay at the initial snapshot, for tables that are not known yet. */
  readonly first?: PartitionsByTable | undefined;
}

/**
 * Compares, look by look, where the rows of partitioned tables lie with what the log says of the look before, which may have been
 * another capture's. What is found is told through the leader's stream before it is noted: a capture that dies in between finds it
 * once more, and one that stops for it finds it in the stream again.
 */
export class PartitionWatch {
  readonly #o: PartitionWatchOptions;
  /** Of this capture's looks, so that the log is asked once. */
  readonly #seen = new Map<number, readonly Partition[]>();

  constructor(options: PartitionWatchOptions) {
    this.#o = options;
  }

  async look(): Promise<void> {
    const { tables, known, first } = this.#o;
    for (const [id, now] of await tables.look()) {
      const noted = this.#seen.get(id) ?? decode(await known.get(String(id)));
      const before = noted ?? first?.get(id) ?? now;
      const changes = partitionChanges(before, now);
      const added = changes.added.map((partition) => partition.id);
      const words = suspicion(changes, added.length > 0 ? await tables.cameWithRows(added) : new Set());
      if (words !== undefined) await tables.suspect(id, words);
      if (noted === undefined || words !== undefined || added.length > 0)
        await known.put(String(id), encode(now));
      this.#seen.set(id, now);
    }
  }
}

const encode = (partitions: readonly Partition[]): Uint8Array =>
  Buffer.from(JSON.stringify(partitions), 'utf8');

function decode(bytes: Uint8Array | undefined): readonly Partition[] | undefined {
  if (!bytes) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly Partition[];
  } catch (cause) {
    throw new Fault('MR-3012', { detail: 'what the log says of a table’s partitions cannot be read', cause });
  }
}
