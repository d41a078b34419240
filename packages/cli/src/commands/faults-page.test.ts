import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faultsPage } from './faults-page.js';

it('publishes a page of all faults that is up to date (`millrace explain all` prints it)', () => {
  const published = readFileSync(new URL('../../../../docs/faults.md', import.meta.url), 'utf8');
  expect(published).toBe(faultsPage());
});
