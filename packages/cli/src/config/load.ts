import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '@millrace/runtime';
import { type Document, isMap, isScalar, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { excerpt, placeOf } from './excerpt.js';
import { allowedKeys } from './keys.js';
import { type Config, configSchema } from './schema.js';
import { resolveReferences, Secrets } from './secrets.js';
import { suggestion } from './suggest.js';

export const configName = 'millrace.yaml';

/** A read configuration, the file it came from, and what must never be printed. */
export interface LoadedConfig {
  readonly config: Config;
  /** Absolute. Relative paths in the configuration start at its folder. */
  readonly file: string;
  readonly folder: string;
  readonly secrets: Secrets;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `--config`, then ./millrace.yaml, then the XDG folder. Throws MR-1002 naming where it looked. */
export function findConfig(named: string | undefined, { cwd, env }: Surroundings): string {
  const home = env.XDG_CONFIG_HOME ?? join(env.HOME ?? '/', '.config');
  const places =
    named === undefined ? [join(cwd, configName), join(home, 'millrace', configName)] : [resolve(cwd, named)];
  const found = places.find((place) => existsSync(place));
  if (found) return found;
  throw new Fault('MR-1002', { detail: `no configuration at ${places.join(' or ')}` });
}

/** Reads and checks the configuration. Throws MR-1002, MR-1003 (all errors, each with its place), MR-1004. */
export function loadConfig(named: string | undefined, surroundings: Surroundings): LoadedConfig {
  const file = findConfig(named, surroundings);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('MR-1002', { detail: `${file} cannot be read (${code ?? 'unknown error'})`, cause });
  }
  const secrets = new Secrets();
  const config = parseConfig(text, file, surroundings.env, secrets);
  secrets.add(config.leader.url);
  for (const { postgres } of Object.values(config.followers)) if (postgres) secrets.add(postgres.url);
  for (const secret of [config.monitor.webhook?.secret ?? []].flat()) secrets.add(secret);
  return { config, file, folder: dirname(file), secrets };
}

/** The pure part of `loadConfig`, but for files that `${file:…}` names. */
export function parseConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  secrets: Secrets,
): Config {
  const document = parseDocument(text, { prettyErrors: false });
  const errors = new ConfigErrors(text, file, secrets);
  for (const problem of document.errors) errors.add(problem.pos[0], 1, problem.message);
  errors.throwIfAny();
  if (!isMap(document.contents)) errors.add(0, 1, 'expected a mapping that begins with "pipeline:"');
  errors.throwIfAny();
  refuseProto(document, errors);
  resolveSecrets(document, dirname(file), env, secrets, errors);
  errors.throwIfAny();
  const result = configSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  for (const issue of result.error.issues) addIssue(document, issue, errors);
  throw errors.fault();
}

/** Validators skip this key without a word: here it is an error like any other unknown one. */
function refuseProto(document: Document, errors: ConfigErrors): void {
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && key.value === '__proto__')
        errors.add(key.range?.[0] ?? 0, lengthOf(key), '"__proto__" cannot be used as a name');
    },
  });
}

function resolveSecrets(
  document: Document,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  secrets: Secrets,
  errors: ConfigErrors,
): void {
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      try {
        node.value = resolveReferences(node.value, { env, folder }, secrets);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        errors.add(node.range?.[0] ?? 0, lengthOf(node), `${error.detail}. ${error.remedy}`, error.code);
      }
    },
  });
}

function addIssue(document: Document, issue: z.core.$ZodIssue, errors: ConfigErrors): void {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    const known = allowedKeys(path);
    for (const key of issue.keys) {
      const meant = suggestion(key, known);
      const hint = meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`;
      const node = keyNode(document, path, key);
      errors.add(node?.range?.[0] ?? 0, key.length, `unknown key "${key}"${under(path)}; ${hint}`);
    }
    return;
  }
  const at = nearestNode(document, path);
  errors.add(at.node?.range?.[0] ?? 0, lengthOf(at.node), messageOf(issue, path, at.missing));
}

const under = (path: readonly (string | number)[]): string =>
  path.length === 0 ? '' : ` in ${path.join('.')}`;

function messageOf(issue: z.core.$ZodIssue, path: readonly (string | number)[], missing: boolean): string {
  const where = path.join('.');
  if (missing) return `"${where}" is missing`;
  // The errors of a union and of a record's key say nothing by themselves; the first inside does.
  const inner =
    issue.code === 'invalid_union'
      ? issue.errors[0]?.[0]
      : issue.code === 'invalid_key'
        ? issue.issues[0]
        : undefined;
  const said = (inner ?? issue).message.replace(/^Invalid (option|input): /, '');
  return where === '' ? said : `${where}: ${said}`;
}

/** The deepest node that exists on the path; `missing` when the path ends below it. */
function nearestNode(
  document: Document,
  path: readonly (string | number)[],
): { node: Node | undefined; missing: boolean } {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return { node, missing: length < path.length };
  }
  return { node: undefined, missing: path.length > 0 };
}

function keyNode(document: Document, path: readonly (string | number)[], key: string): Node | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return pair?.key as Node | undefined;
}

const lengthOf = (node: Node | undefined | null): number =>
  isScalar(node) && node.range ? node.range[1] - node.range[0] : 1;

/** Gathers errors, so that one run shows them all. */
class ConfigErrors {
  readonly #text: string;
  readonly #file: string;
  readonly #secrets: Secrets;
  readonly #found: { offset: number; message: string }[] = [];
  #code: 'MR-1003' | 'MR-1004' = 'MR-1003';

  constructor(text: string, file: string, secrets: Secrets) {
    this.#text = text;
    this.#file = file;
    this.#secrets = secrets;
  }

  add(offset: number, length: number, message: string, code?: string): void {
    if (code === 'MR-1004') this.#code = code;
    const place = placeOf(this.#text, offset);
    const head = `${this.#file}:${place.line}:${place.column}: ${message}`;
    this.#found.push({ offset, message: `${head}\n${excerpt(this.#text, place, length)}` });
  }

  throwIfAny(): void {
    if (this.#found.length > 0) throw this.fault();
  }

  fault(): Fault {
    const messages = this.#found.sort((a, b) => a.offset - b.offset).map(({ message }) => message);
    return new Fault(this.#code, { detail: this.#secrets.redact(messages.join('\n')) });
  }
}
