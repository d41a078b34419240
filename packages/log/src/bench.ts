export {
  cpu_s,
  LogThroughput,
  partitions,
  perSecond,
  rounded,
  shapes,
  type ThroughputRow,
  value,
} from './bench/throughput.js';
