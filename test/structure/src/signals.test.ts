import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readWorkspace } from './workspace.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Composed once per process, or once per caller's signal; in memory for tests. */
const composers: ReadonlySet<string> = new Set([
  'packages/cli/src/commands/up.ts',
  'packages/log-kafka/src/end-signals.ts',
  'packages/log/src/memory/log.ts',
]);

// Node 20 keeps what was composed for as long as the sources live; JointSignal lets go.
it('no service composes signals with AbortSignal.any: they pile up on those that live for months', () => {
  const found = readWorkspace(root)
    .packages.filter(({ folder }) => folder.startsWith('packages/'))
    .flatMap(({ files }) => files)
    .filter(({ path, text }) => !path.endsWith('.test.ts') && /AbortSignal\.any\(/.test(text))
    .map(({ path }) => path);
  expect(found.filter((path) => !composers.has(path))).toEqual([]);
});
