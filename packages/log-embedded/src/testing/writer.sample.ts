import { once } from 'node:events';
import { Epoch, openLog } from './session.js';

/**
 * Waits for a line on stdin, then writes commits until it is killed: small ones, large ones and ones in many parts. Says on stdout, a line each, what was
 * acknowledged: `<record offset> <end>`.
 */
await once(process.stdin, 'data');
const log = await openLog(process.argv[2] as string);
const epoch = await Epoch.begin(log);
for (let n = 0; ; n++) {
  const offset =
    n % 7 === 6
      ? await epoch.commitInParts(5, 300, 200)
      : n % 5 === 4
        ? await epoch.commit(5_000, 100)
        : await epoch.commit(1 + (n % 50));
  process.stdout.write(`${offset} ${epoch.end}\n`);
}
