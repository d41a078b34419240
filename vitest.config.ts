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
    // Two cores are the machine the promises are measured on; more workers only add memory.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
