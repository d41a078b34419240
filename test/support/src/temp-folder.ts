import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A fresh empty folder of our own, as a real path. It is removed when this process ends, or by `removeTempFolder`. */
export function tempFolder(prefix = 'millrace-test'): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `${prefix}-`));
  folders.add(folder);
  return folder;
}

export function removeTempFolder(folder: string): void {
  if (folders.delete(folder)) rmSync(folder, { recursive: true, force: true });
}
