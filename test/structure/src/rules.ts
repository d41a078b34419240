import { dirname, join } from 'node:path';
import { functionsBeyond } from './functions.js';
import { findCycle, type Graph } from './graph.js';
import {
  builtins,
  isTestFile,
  packageOf,
  type SourceFile,
  type Workspace,
  type WorkspacePackage,
} from './workspace.js';

/** Looks at a workspace and returns what breaks the rule, one sentence each. */
export type Rule = (workspace: Workspace) => string[];

export const lines_max = 600;

/** What a screen shows at once. */
export const function_lines_max = 55;

/** Folders named so say nothing about what is in them. */
const meaningless = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'types',
  'misc',
  'shared',
  'lib',
]);

const forbiddenWords = /\b(TODO|FIXME|XXX|HACK)\b|@ts-ignore|@ts-expect-error|@ts-nocheck/;
/** The rule itself has to spell what it forbids. */
const rulesFolder = 'test/structure/';

const eachFile = (
  workspace: Workspace,
  check: (file: SourceFile, owner: WorkspacePackage) => string[],
): string[] => workspace.packages.flatMap((owner) => owner.files.flatMap((file) => check(file, owner)));

export const filesAreSmall: Rule = (workspace) =>
  eachFile(workspace, (file) =>
    file.lines > lines_max ? [`${file.path} has ${file.lines} lines, more than ${lines_max}: split it`] : [],
  );

/** A test is a function too; a list of tests is not: its file's length bounds it. */
export const functionsFitAScreen: Rule = (workspace) =>
  eachFile(workspace, ({ path, text, lines: all }) =>
    // A short file need not be parsed.
    (all > function_lines_max ? functionsBeyond(function_lines_max, path, text) : []).map(
      ({ name, line, lines }) => `${path}:${line}: ${name} has ${lines} lines, more than a screen`,
    ),
  );

export const foldersHaveMeaning: Rule = (workspace) =>
  eachFile(workspace, ({ path }) => {
    const vague = path
      .split('/')
      .slice(2, -1)
      .find((name) => meaningless.has(name));
    return vague === undefined ? [] : [`${path}: name the folder ${vague} for what it holds`];
  });

export const nothingIsLeftForLater: Rule = (workspace) =>
  eachFile(workspace, ({ path, text }) => {
    const word = path.startsWith(rulesFolder) ? null : forbiddenWords.exec(text);
    return word === null ? [] : [`${path} says ${word[0]}: do it, or write down why not`];
  });

/** Other packages are reached by name, never by a path that leaves one's own. */
export const relativeImportsStayInside: Rule = (workspace) =>
  eachFile(workspace, ({ path, imports }, { folder }) =>
    imports
      .filter(
        (specifier) => specifier.startsWith('.') && !join(dirname(path), specifier).startsWith(`${folder}/`),
      )
      .map((specifier) => `${path} imports ${specifier} out of its package: use the package's name`),
  );

export const importsAreDeclared: Rule = (workspace) =>
  eachFile(workspace, ({ path, imports }, owner) => {
    const allowed = new Set([owner.name, ...owner.dependencies]);
    if (isTestFile(path))
      for (const name of [...owner.devDependencies, ...workspace.rootDependencies]) allowed.add(name);
    return imports
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .filter((specifier) => !allowed.has(packageOf(specifier)))
      .map((specifier) =>
        builtins.has(specifier)
          ? `${path} imports ${specifier}: write node:${specifier}`
          : `${path} imports ${specifier}, which ${owner.folder}/package.json does not declare`,
      );
  });

/** The compiler builds what the package manager links, or one of them is wrong. */
export const referencesMatchDependencies: Rule = ({ packages }) =>
  packages.flatMap((owner) => {
    const declared = new Set([...owner.dependencies, ...owner.devDependencies]);
    return packages.flatMap(({ name, folder }) => {
      const depends = declared.has(name);
      if (depends === owner.references.includes(folder)) return [];
      return depends
        ? [`${owner.folder}/tsconfig.json lacks a reference to ${folder}`]
        : [`${owner.folder}/tsconfig.json references ${folder}, which its package.json does not name`];
    });
  });

export const everyPackageIsBuilt: Rule = ({ packages, built }) =>
  packages
    .filter(({ folder }) => !built.includes(folder))
    .map(({ folder }) => `tsconfig.json lacks a reference to ${folder}`);

/** Of what runs in production; test support may look back at what it supports. */
export const packagesHaveNoCycle: Rule = ({ packages }) => {
  const graph: Graph = new Map(packages.map(({ name, dependencies }) => [name, dependencies]));
  const cycle = findCycle(graph);
  return cycle === undefined ? [] : [`packages depend in a circle: ${cycle.join(' → ')}`];
};

/** Types may refer to each other; what is loaded at run time may not. */
export const filesHaveNoCycle: Rule = ({ packages }) =>
  packages.flatMap((owner) => {
    const target = (path: string, specifier: string): string =>
      join(dirname(path), specifier).replace(/\.js$/, '.ts');
    const graph: Graph = new Map(
      owner.files.map(({ path, imports, typeImports }) => [
        path,
        imports
          .filter((specifier) => specifier.startsWith('.') && !typeImports.has(specifier))
          .map((specifier) => target(path, specifier)),
      ]),
    );
    const cycle = findCycle(graph);
    return cycle === undefined ? [] : [`files import each other in a circle: ${cycle.join(' → ')}`];
  });

/** Products never lean on what exists for tests. */
export const productsDoNotNeedTests: Rule = ({ packages }) => {
  const tests = new Set(packages.filter(({ folder }) => folder.startsWith('test/')).map(({ name }) => name));
  return packages
    .filter(({ folder }) => !folder.startsWith('test/'))
    .flatMap(({ folder, dependencies }) =>
      dependencies
        .filter((name) => tests.has(name))
        .map((name) => `${folder} depends on ${name}, which is for tests`),
    );
};

/** Every rule, by the sentence a test states. */
export const rules: Readonly<Record<string, Rule>> = {
  [`no file is longer than ${lines_max} lines`]: filesAreSmall,
  'no function is longer than a screen': functionsFitAScreen,
  'folders are named for what they hold': foldersHaveMeaning,
  'nothing is left for later': nothingIsLeftForLater,
  'relative imports stay inside their package': relativeImportsStayInside,
  'every import is declared where it is used': importsAreDeclared,
  'project references match the dependencies': referencesMatchDependencies,
  'every package is built and checked': everyPackageIsBuilt,
  'packages depend one way': packagesHaveNoCycle,
  'files import one way': filesHaveNoCycle,
  'products do not need what is for tests': productsDoNotNeedTests,
};
