import { join } from 'node:path';
import { identify } from '../process-identity.js';
import { ownFiles, Store } from '../store.js';
import { Writers } from '../writers.js';

/** Enters a write transaction on the log and stops itself inside, as SIGSTOP or a frozen machine would. */
const path = process.argv[2] as string;
const self = identify(process.pid);
if (!self) throw new Error('this process cannot see itself');
const writers = new Writers(join(path, ownFiles.writers), self, identify);
const store = new Store(path, { readOnly: false });
writers.enter();
store.write(() => {
  process.stdout.write('inside\n');
  process.kill(process.pid, 'SIGSTOP');
});
writers.leave();
process.stdout.write('left\n');
writers.close();
await store.close();
