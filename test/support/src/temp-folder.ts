import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names the folder of a whole vitest run, set and removed by `global-setup.ts`: workers may end without a farewell. */
export const runFolderVariable = 'MILLRACE_TEST_FOLDER';

const folders = new Set<string>();

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A fresh empty folder of our own, as a real path. It goes with the test run, or earlier by `removeTempFolder`. */
export function tempFolder(prefix = 'millrace-test'): string {
  const base = process.env[runFolderVariable] ?? realpathSync(tmpdir());
  const folder = mkdtempSync(join(base, `${prefix}-`));
  folders.add(folder);
  return folder;
}

export function removeTempFolder(folder: string): void {
  if (folders.delete(folder)) rmSync(folder, { recursive: true, force: true });
}
