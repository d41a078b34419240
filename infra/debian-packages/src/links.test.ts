import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { relink } from './links.js';

it('links into what was unpacked lead there, links into the system stay', async () => {
  const root = mkdtempSync(join(tmpdir(), 'relink-'));
  try {
    mkdirSync(join(root, 'etc/java'), { recursive: true });
    mkdirSync(join(root, 'usr/lib/jvm'), { recursive: true });
    writeFileSync(join(root, 'etc/java/conf'), 'ours');
    symlinkSync('/etc/java/conf', join(root, 'usr/lib/jvm/conf'));
    symlinkSync('/etc/passwd', join(root, 'usr/lib/jvm/system'));
    symlinkSync('conf', join(root, 'usr/lib/jvm/near'));
    symlinkSync('../../../etc/passwd', join(root, 'usr/lib/jvm/installed'));
    symlinkSync('nowhere', join(root, 'usr/lib/jvm/broken'));
    await relink(root);
    expect(readFileSync(join(root, 'usr/lib/jvm/near'), 'utf8')).toBe('ours');
    expect(readlinkSync(join(root, 'usr/lib/jvm/conf'))).toBe('../../../etc/java/conf');
    expect(readlinkSync(join(root, 'usr/lib/jvm/system'))).toBe('/etc/passwd');
    expect(readlinkSync(join(root, 'usr/lib/jvm/installed'))).toBe('/etc/passwd');
    expect(readlinkSync(join(root, 'usr/lib/jvm/broken'))).toBe('nowhere');
  } finally {
    rmSync(root, { recursive: true });
  }
});
