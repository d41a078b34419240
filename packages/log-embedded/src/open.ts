import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { LmdbLog } from './embedded-log.js';
import { toLogFault } from './faults.js';
import { LockWait } from './lock-wait.js';
import { acquireMode, type OpenMode } from './open-modes.js';
import type { EmbeddedLog, EmbeddedLogOptions } from './options.js';
import { identify } from './process-identity.js';
import { ownFiles, Store } from './store.js';
import { Writers } from './writers.js';

const id_bytes = 16;
const takeoverAfter_ms_default = 10_000;

/** Opens, or makes, the log in `options.path`. While a paused process holds its lock this waits, and says so in the logger, then ends that process (§12). Faults: MR-3008, MR-3009, MR-3011, MR-3014. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { path } = options;
  Store.prepare(path, options.readOnly ?? false);
  const mode = acquireMode(path, { readOnly: options.readOnly ?? false });
  try {
    if (!options.readOnly) return await openForWriting(options, mode);
    return new LmdbLog(options, new Store(path, mode), mode, undefined);
  } catch (error) {
    mode.release();
    throw toLogFault(error, `opening the log in ${path}`);
  }
}

async function openForWriting(options: EmbeddedLogOptions, mode: OpenMode): Promise<EmbeddedLog> {
  const { path, clock, logger } = options;
  const self = identify(process.pid) ?? { pid: process.pid, startedAt: '', boot: '' };
  const writers = new Writers(join(path, ownFiles.writers), self, identify);
  const takeoverAfter_ms = options.takeoverAfter_ms ?? takeoverAfter_ms_default;
  const lock = new LockWait({ writers, clock, logger, identify, takeoverAfter_ms });
  try {
    // Opening the databases takes LMDB's lock, too. A process that starts up is a successor: without this takeover a new
    // capture would never come as far as its claim.
    await lock.clear(true);
    writers.enter();
    const store = new Store(path, mode);
    store.write(() => store.identity(randomBytes(id_bytes)));
    writers.leave();
    return new LmdbLog(options, store, mode, { writers, lock });
  } catch (error) {
    writers.close();
    throw error;
  }
}
