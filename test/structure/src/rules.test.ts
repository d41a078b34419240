import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as rule from './rules.js';
import { readSource, readWorkspace, type Workspace, type WorkspacePackage } from './workspace.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('the repository', () => {
  const workspace = readWorkspace(root);
  it('is read as a whole', () => {
    expect(workspace.packages.length).toBeGreaterThan(10);
    expect(workspace.packages.flatMap(({ files }) => files).length).toBeGreaterThan(40);
  });
  it.each(Object.entries(rule.rules))('%s', (_sentence, check) => {
    expect(check(workspace)).toEqual([]);
  });
});

/** A package with files given as path within it → text. */
function pkg(
  name: string,
  files: Record<string, string>,
  extra: Partial<WorkspacePackage> = {},
): WorkspacePackage {
  const folder = extra.folder ?? `packages/${name}`;
  return {
    name: `@millrace/${name}`,
    folder,
    dependencies: [],
    devDependencies: [],
    references: [],
    files: Object.entries(files).map(([path, text]) => readSource(`${folder}/${path}`, text)),
    ...extra,
  };
}

function workspaceOf(...packages: WorkspacePackage[]): Workspace {
  return { packages, built: packages.map(({ folder }) => folder), rootDependencies: ['vitest'] };
}

describe('each rule finds a seeded violation', () => {
  it.each<[string, rule.Rule, Workspace]>([
    ['a long file', rule.filesAreSmall, workspaceOf(pkg('a', { 'src/a.ts': '\n'.repeat(601) }))],
    [
      'a long function',
      rule.functionsFitAScreen,
      workspaceOf(pkg('a', { 'src/a.ts': `export function f() {${'\n'.repeat(55)}}` })),
    ],
    [
      'a long test in a list of tests',
      rule.functionsFitAScreen,
      workspaceOf(
        pkg('a', {
          'src/a.test.ts': `describe('a', () => {\nit.each([1])('b', () => {${'\n'.repeat(55)}})\n})`,
        }),
      ),
    ],
    ['a vague folder', rule.foldersHaveMeaning, workspaceOf(pkg('a', { 'src/utils/a.ts': '' }))],
    [
      'a postponed piece of work',
      rule.nothingIsLeftForLater,
      workspaceOf(pkg('a', { 'src/a.ts': '// TODO: later' })),
    ],
    [
      'a path into another package',
      rule.relativeImportsStayInside,
      workspaceOf(pkg('a', { 'src/a.ts': "import '../../b/src/b.js'" })),
    ],
    [
      'an undeclared driver',
      rule.importsAreDeclared,
      workspaceOf(pkg('a', { 'src/a.ts': "import pg from 'pg'" })),
    ],
    [
      'an undeclared type import',
      rule.importsAreDeclared,
      workspaceOf(pkg('a', { 'src/a.ts': "import type { X } from '@millrace/b'" })),
    ],
    [
      'a test tool in a product file',
      rule.importsAreDeclared,
      workspaceOf(pkg('a', { 'src/a.ts': "import { it } from 'vitest'" })),
    ],
    ['a bare builtin', rule.importsAreDeclared, workspaceOf(pkg('a', { 'src/a.ts': "import fs from 'fs'" }))],
    [
      'a missing reference',
      rule.referencesMatchDependencies,
      workspaceOf(pkg('a', {}, { dependencies: ['@millrace/b'] }), pkg('b', {})),
    ],
    [
      'a reference without dependency',
      rule.referencesMatchDependencies,
      workspaceOf(pkg('a', {}, { references: ['packages/b'] }), pkg('b', {})),
    ],
    ['a package nobody builds', rule.everyPackageIsBuilt, { ...workspaceOf(pkg('a', {})), built: [] }],
    [
      'packages in a circle',
      rule.packagesHaveNoCycle,
      workspaceOf(
        pkg('a', {}, { dependencies: ['@millrace/b'] }),
        pkg('b', {}, { dependencies: ['@millrace/c'] }),
        pkg('c', {}, { dependencies: ['@millrace/a'] }),
      ),
    ],
    [
      'files in a circle',
      rule.filesHaveNoCycle,
      workspaceOf(pkg('a', { 'src/a.ts': "import './b.js'", 'src/b.ts': "export * from './a.js'" })),
    ],
    [
      'a product that needs test support',
      rule.productsDoNotNeedTests,
      workspaceOf(pkg('a', {}, { dependencies: ['@millrace/s'] }), pkg('s', {}, { folder: 'test/s' })),
    ],
  ])('%s', (_what, check, workspace) => {
    expect(check(workspace)).toHaveLength(1);
  });

  it('and lets a test use what the root declares', () => {
    const workspace = workspaceOf(pkg('a', { 'src/a.test.ts': "import { it } from 'vitest'" }));
    expect(rule.importsAreDeclared(workspace)).toEqual([]);
  });
});
