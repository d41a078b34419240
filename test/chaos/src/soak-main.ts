import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { soak } from './soak/soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    every: { type: 'string', default: '60' },
    kafka: { type: 'string' },
    rate: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    out: { type: 'string' },
  },
});

const report = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};
report(`seed ${values.seed}`);
const result = await soak({
  minutes: Number(values.minutes),
  every_s: Number(values.every),
  kafka: values.kafka === undefined ? undefined : values.kafka === '3' ? 3 : 1,
  rate_per_s: values.rate === undefined ? undefined : Number(values.rate),
  seed: Number(values.seed),
  report,
});
const machine = {
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
if (values.out) {
  const text = JSON.stringify({ taken: new Date().toISOString(), machine, ...result }, undefined, 1);
  writeFileSync(values.out, `${text}\n`);
}
for (const { what, verdict, detail } of result.findings) {
  process.stdout.write(`${verdict.padEnd(6)}  ${what}: ${detail}\n`);
}
const failed = result.findings.filter(({ verdict }) => verdict === 'failed');
process.stdout.write(
  failed.length === 0
    ? 'the soak passed\n'
    : `the soak failed: ${failed.map(({ what }) => what).join('; ')}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
