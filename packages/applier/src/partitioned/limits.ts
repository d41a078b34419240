import type { ApplierLimits } from '../policies.js';

const MiB = 1024 * 1024;
/** Below these, statements and reads would cost more than what they carry. */
const least = {
  group_bytes: 4 * MiB,
  write_bytes: MiB,
  write_rows: 5_000,
  read_bytes: MiB / 4,
  ahead_records: 256,
};

/** Promise 7: a worker with all partitions holds about as much as one of a follower in transactional mode. */
export function limitsPerPartition(limits: ApplierLimits, count: number): ApplierLimits {
  const share = (name: keyof typeof least): number =>
    Math.min(limits[name], Math.max(least[name], Math.ceil(limits[name] / count)));
  return {
    ...limits,
    group_bytes: share('group_bytes'),
    write_bytes: share('write_bytes'),
    write_rows: share('write_rows'),
    read_bytes: share('read_bytes'),
    ahead_records: share('ahead_records'),
  };
}
