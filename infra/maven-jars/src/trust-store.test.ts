import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findJava } from './java.js';
import { trustedAuthorities, trustStore } from './trust-store.js';

it('Java reads the authorities of this machine out of a store of ours, and notices a changed byte', async () => {
  const java = await findJava({ atLeast: 17 });
  const authorities = trustedAuthorities();
  expect(authorities.length).toBeGreaterThan(10);
  const folder = mkdtempSync(join(tmpdir(), 'trust-store-'));
  const file = join(folder, 'cacerts');
  const list = (): string =>
    execFileSync(
      join(java.home, 'bin', 'keytool'),
      ['-J-Xshare:auto', '-list', '-keystore', file, '-storepass', 'changeit'],
      { encoding: 'utf8', stdio: 'pipe', env: { LC_ALL: 'C' } },
    );
  try {
    const store = trustStore(authorities);
    writeFileSync(file, store);
    expect(list()).toContain(`${authorities.length} entries`);
    store[100] = (store[100] ?? 0) ^ 1;
    writeFileSync(file, store);
    expect(list).toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
