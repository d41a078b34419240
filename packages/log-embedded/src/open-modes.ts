import { realpathSync } from 'node:fs';
import { Fault } from '@millrace/runtime';

/**
 * LMDB keeps one environment per file and process, whatever opens it again, in the mode of the first opening. So this is
 * state of the process by its nature: how many handles of each mode hold a log open here.
 */
const open = new Map<string, { readers: number; writers: number }>();

export interface OpenMode {
  readonly readOnly: boolean;
  release(): void;
}

/**
 * The mode in which to open the existing directory `path`: reading joins a writing environment of this process; writing
 * cannot join a reading one, which is a mistake of the composition (MR-9001).
 */
export function acquireMode(path: string, wanted: { readonly readOnly: boolean }): OpenMode {
  const key = realpathSync(path);
  const held = open.get(key) ?? { readers: 0, writers: 0 };
  const readOnly = wanted.readOnly && held.writers === 0;
  if (!readOnly && held.readers > 0)
    throw new Fault('MR-9001', {
      detail: `this process holds the log in ${path} open for reading only: open it for writing first`,
    });
  const kind = readOnly ? 'readers' : 'writers';
  held[kind]++;
  open.set(key, held);
  let released = false;
  return {
    readOnly,
    release() {
      if (released) return;
      released = true;
      held[kind]--;
      if (held.readers + held.writers === 0) open.delete(key);
    },
  };
}
