import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Driver, storedPosition } from '@millrace/follower/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { items, play } from './crash-workload.sample.js';
import { createDuckDbFollower } from './follower.js';

/** Writes the workload to the file named, from where its position stands, until it is killed; prints every commit. */
const path = process.argv[2] as string;
const follower = createDuckDbFollower({ path, name: 'copy', clock: systemClock, logger: silentLogger });
await follower.register(storedPosition(0n), { reset: false });
const row = await follower.takeOver(randomBytes(16));
if (!row) throw new Error('not registered');
const driver = new Driver(follower, row);
if ((await follower.tables()).length === 0) {
  await driver.apply((tx) => tx.evolve(items, [{ kind: 'create-table' }]), storedPosition(1n));
}
const model = new Map();
for (let k = 2; k <= Number(driver.end); k++) await play(k, model);
for (let k = Number(driver.end) + 1; ; k++) {
  await driver.apply((tx) => play(k, model, tx), storedPosition(BigInt(k)));
  writeSync(1, `${k}\n`);
}
