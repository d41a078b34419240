// `node dist/accept.js [--allocations]`: writes what is counted now into counts.json, for this major version of Node.
import { existsSync } from 'node:fs';
import {
  type Accepted,
  type Figures,
  perEvent,
  readAccepted,
  runtime,
  writeAccepted,
} from './gate/accepted.js';
import { count, counts, inParallel } from './measure/run.js';
import { countWire, titleOf, wireCounts } from './wire/wire-counts.js';

const isThere = existsSync(new URL('../counts.json', import.meta.url));
const old: Accepted = isThere ? readAccepted() : { allocations: {}, wire: {} };
const allocations: Figures = Object.fromEntries(
  await inParallel(counts, async (each) => {
    const figures = perEvent(await count(each), each.recording);
    return [`${each.stage} ${each.recording}`, figures] as const;
  }),
);
let { wire } = old;
if (!process.argv.includes('--allocations')) {
  const found: [string, Readonly<Record<string, number>>][] = [];
  for (const each of wireCounts) found.push([titleOf(each), await countWire(each)]);
  wire = Object.fromEntries(found);
}
writeAccepted({ allocations: { ...old.allocations, [runtime]: allocations }, wire });
process.stdout.write(`${JSON.stringify({ [runtime]: allocations, wire }, null, 2)}\n`);
