/**
 * Loaded into the processes under test by `--import`: notes the live heap, after a collection, in a file that the soak reads. The
 * collection is what makes a small leak visible among garbage; twice a minute it changes nothing that matters.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Environment: folder of the notes. */
const folder = process.env.MILLRACE_SOAK_NOTES;
const note_ms = 30_000;
const first_ms = 5_000;

if (folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const note = (): void => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    try {
      writeFileSync(
        join(folder, `${process.pid}.json`),
        JSON.stringify({ heapUsed, external, at: Date.now() }),
      );
    } catch {
      // The run has ended, and its folder is gone.
    }
  };
  setTimeout(note, first_ms).unref();
  setInterval(note, note_ms).unref();
}
