import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, normalize, relative, resolve } from 'node:path';
import ts from 'typescript';

/** A source file with what it imports, as written. */
export interface SourceFile {
  /** From the workspace's root, with slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly string[];
  /** Those of them that vanish in the compiled file: `import type`, `export type`. */
  readonly typeImports: ReadonlySet<string>;
  readonly text: string;
}

/** One package of the workspace: what its manifest and its tsconfig declare, and its files. */
export interface WorkspacePackage {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** Folders of the packages that tsconfig.json references, from the workspace's root. */
  readonly references: readonly string[];
  readonly files: readonly SourceFile[];
}

export interface Workspace {
  readonly packages: readonly WorkspacePackage[];
  /** Folders that the root tsconfig.json builds. */
  readonly built: readonly string[];
  /** What every package's tests may import, from the root manifest. */
  readonly rootDependencies: readonly string[];
}

const groups = ['packages', 'infra', 'test'];
const sources = /\.(ts|mjs)$/;
const skipped = new Set(['node_modules', 'dist', '.turbo']);

export const builtins: ReadonlySet<string> = new Set(builtinModules);

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    return sources.test(entry.name) ? [path] : [];
  });
}

const typeImport = /^(?:import|export) type [^;]*? from '([^']+)'/gm;

/** A file's imports, types included: `import`, `export … from`, `import()`. */
export function readSource(path: string, text: string): SourceFile {
  const imports = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
  const typeImports = new Set([...text.matchAll(typeImport)].map((match) => match[1] ?? ''));
  return { path, text, imports, typeImports, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) };
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

interface TsConfig {
  readonly references?: readonly { readonly path: string }[];
}

function readTsConfig(path: string): TsConfig {
  return existsSync(path) ? ((ts.readConfigFile(path, ts.sys.readFile).config ?? {}) as TsConfig) : {};
}

function readPackage(root: string, folder: string): WorkspacePackage {
  const absolute = join(root, folder);
  const manifest = JSON.parse(readFileSync(join(absolute, 'package.json'), 'utf8')) as Manifest;
  const config = readTsConfig(join(absolute, 'tsconfig.json'));
  return {
    name: manifest.name,
    folder,
    dependencies: Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
    references: (config.references ?? []).map(({ path }) => relative(root, resolve(absolute, path))),
    files: filesUnder(absolute).map((path) => readSource(relative(root, path), readFileSync(path, 'utf8'))),
  };
}

/** Reads the workspace in folder `root` as it stands on disk. */
export function readWorkspace(root: string): Workspace {
  const folders = groups.flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(group, name))
      .filter((folder) => existsSync(join(root, folder, 'package.json'))),
  );
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const built = readTsConfig(join(root, 'tsconfig.json')).references ?? [];
  return {
    packages: folders.map((folder) => readPackage(root, folder)),
    built: built.map(({ path }) => normalize(path)),
    rootDependencies: Object.keys(manifest.devDependencies ?? {}),
  };
}

/** True for files that only tests and benchmarks run, conformance suites included: they may use what is declared for development. */
export function isTestFile(path: string): boolean {
  return (
    path.startsWith('test/') ||
    /\.(test|sample|bench)\.ts$|\/conformance\.ts$/.test(path) ||
    ['conformance', 'bench'].includes(basename(dirname(path)))
  );
}

/** The package a bare import belongs to: `@a/b/c` → `@a/b`, `c/d` → `c`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}
