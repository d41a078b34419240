import { defineConfig } from 'vitest/config';

// Workspace packages export their TypeScript under the `source` condition, so tests need no build.
// Only that one is added: vitest hands these on to Node, where `import` would break packages loaded by require.
const conditions = ['source', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['source'] } },
  test: {
    include: ['packages/**/*.test.ts', 'infra/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/support/src/global-setup.ts'],
    pool: 'forks',
    // One more than the two cores of the machine that the promises are measured on: most stories wait for servers.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
