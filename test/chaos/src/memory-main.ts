import { parseArgs } from 'node:util';
import type { PostgresVersion } from '@millrace/test-support';
import { measureMemory } from './memory.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    per: { type: 'string', default: '0' },
    version: { type: 'string', default: '18' },
    kafka: { type: 'boolean', default: false },
  },
});

const rows = Number(values.rows);
const result = await measureMemory({
  version: Number(values.version) as PostgresVersion,
  rows,
  rowsPerTransaction: Number(values.per) || rows,
  kafka: values.kafka,
  report: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
});
process.stdout.write(`${JSON.stringify(result)}\n`);
