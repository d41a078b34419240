import { partitionRow } from './append.js';
import type { LogStats, PartitionStats } from './options.js';
import { marksOf } from './progress.js';
import type { Sections } from './sections.js';

/** Offsets and sizes of one snapshot of the log, what it may grow to, and what its writer waits for. */
export function readStats(sections: Sections): LogStats {
  const { store, writing, limit_bytes, heldBy } = sections;
  const file_bytes = store.fileBytes();
  const partition = (topic: number, index: number): PartitionStats => {
    const { low, next, bytes } = partitionRow(store, topic, index);
    return { low, high: next, bytes };
  };
  const stats = sections.read(() => {
    const marks = store.marks();
    const topics = store.topics().map(({ name, row }) => ({
      name,
      partitions: Array.from({ length: row.partitions }, (_, index) => partition(row.id, index)),
    }));
    const progress = { ...marksOf(marks), bytes: marks.bytes };
    return { used_bytes: marks.bytes + marks.event_bytes, file_bytes, progress, topics };
  });
  const waiting = writing?.lock.waiting;
  return {
    ...stats,
    ...(limit_bytes !== undefined && { limit_bytes }),
    ...(waiting && { waiting }),
    ...(heldBy !== undefined && { heldBy }),
  };
}
