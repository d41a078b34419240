import { parseArgs } from 'node:util';
import { runPartitions } from './partitions.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    partitions: { type: 'string', default: '6' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '3' },
    kafka: { type: 'boolean', default: false },
  },
});

const report = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};
report(`seed ${values.seed}`);
const result = await runPartitions({
  partitions: Number(values.partitions),
  strikes_ms: Number(values.seconds) * 1_000,
  workers_max: Number(values.workers),
  seed: Number(values.seed),
  clients: Number(values.clients),
  kafka: values.kafka,
  report,
});
process.stdout.write(`${JSON.stringify(result)}\n`);
