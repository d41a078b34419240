import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimCacheFolder } from './cache-folder.js';

const euid = process.geteuid?.() ?? -1;
let base: string;

const claim = (bases: readonly string[], of: number, shared: boolean): string =>
  claimCacheFolder({ name: 'example', shared }, bases, of);

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'cache-folder-')));
  chmodSync(base, 0o755);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('is the same folder for every process of one user', () => {
  expect(claim([base], euid, false)).toBe(claim([base], euid, false));
});

it('is closed to others, unless servers run under another account: then it can be traversed, not listed', () => {
  expect(statSync(claim([base], euid, false)).mode & 0o777).toBe(0o700);
  expect(statSync(claim([base], euid, true)).mode & 0o777).toBe(0o711);
});

it('keeps its mode under a strict umask', () => {
  const before = process.umask(0o077);
  try {
    expect(statSync(claim([base], euid, true)).mode & 0o777).toBe(0o711);
  } finally {
    process.umask(before);
  }
});

it('never trusts a folder planted under its name: a link, or one that others can write', () => {
  const expected = claim([base], euid, false);
  rmSync(expected, { recursive: true });
  mkdirSync(join(base, 'elsewhere'));
  symlinkSync(join(base, 'elsewhere'), expected);
  mkdirSync(`${expected}-1`);
  chmodSync(`${expected}-1`, 0o777);
  expect(claim([base], euid, false)).toBe(`${expected}-2`);
});

it('never trusts a folder of another user', () => {
  // Seen from a different uid, our own folder is the foreign one.
  const foreign = claim([base], euid, false);
  mkdirSync(join(base, basename(foreign).replace(String(euid), String(euid + 1))));
  expect(() => claim([join(base, 'missing')], euid + 1, false)).toThrow(/MR-7003/);
  expect(() => claim([base], euid + 1, false)).toThrow(/MR-7003/);
});

it('passes over a temporary folder that the service account cannot enter', () => {
  const closed = join(base, 'closed');
  const inside = join(closed, 'tmp');
  mkdirSync(inside, { recursive: true });
  chmodSync(closed, 0o700);
  expect(dirname(claim([inside, base], euid, true))).toBe(base);
  expect(dirname(claim([inside, base], euid, false))).toBe(inside);
});
