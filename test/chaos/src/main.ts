import { parseArgs } from 'node:util';
import type { PostgresVersion } from '@millrace/test-support';
import { runChaos } from './chaos.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    version: { type: 'string', default: '18' },
    clients: { type: 'string', default: '4' },
    pause: { type: 'string', default: '10' },
    kafka: { type: 'string' },
    outage: { type: 'string', default: '60' },
  },
});

const report = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};
report(`seed ${values.seed}`);
const result = await runChaos({
  version: Number(values.version) as PostgresVersion,
  kills: Number(values.kills),
  seed: Number(values.seed),
  clients: Number(values.clients),
  pause_ms: Number(values.pause),
  ...(values.kafka !== undefined && {
    kafka: {
      nodes: values.kafka === '1' ? 1 : 3,
      ...(values.kafka === '3' && { outage_ms: Number(values.outage) * 1000 }),
    },
  }),
  report,
});
process.stdout.write(`${JSON.stringify(result)}\n`);
