import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { removeTempFolder, runFolderVariable, tempFolder } from './temp-folder.js';

it('is empty, of its own, and inside the folder that goes with the run', () => {
  const first = tempFolder();
  const second = tempFolder();
  expect(first).not.toBe(second);
  expect(readdirSync(first)).toEqual([]);
  expect(dirname(first)).toBe(process.env[runFolderVariable]);
  removeTempFolder(first);
  expect(existsSync(first)).toBe(false);
});
