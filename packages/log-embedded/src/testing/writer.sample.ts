import { Epoch, openLog } from './session.js';

/**
 * Writes commits until it is killed: small ones, large ones and ones in many parts. Says on stdout, a line each, what was
 * acknowledged: `<record offset> <end>`.
 */
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
