import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '@millrace/runtime';
import { type Document, isMap, isScalar, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { excerpt, placeOf } from './excerpt.js';
import { allowedKeys } from './keys.js';
import { type Config, configSchema } from './schema.js';
import { maskSecrets, resolveReferences, Secrets } from './secrets.js';
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
  const secrets = new Secrets();
  const config = parseConfig(readText(file), file, surroundings.env, secrets);
  secrets.add(config.leader.url);
  for (const { postgres } of Object.values(config.followers)) if (postgres) secrets.add(postgres.url);
  for (const secret of [config.monitor.webhook?.secret ?? []].flat()) secrets.add(secret);
  if (config.monitor.webhook) secrets.add(config.monitor.webhook.url);
  // The address itself is none: messages name it without its password.
  const { redis, postgres: jobsDatabase } = config.monitor.jobs;
  for (const jobs of [redis, jobsDatabase]) if (jobs) secrets.addPasswordOf(jobs.url);
  const { sasl, tls } = config.log.kafka ?? {};
  if (sasl) secrets.add(sasl.password);
  if (typeof tls === 'object' && tls.key !== undefined) secrets.add(tls.key);
  addRegistrySecrets(config, secrets);
  return { config, file, folder: dirname(file), secrets };
}

function addRegistrySecrets({ codec, registry }: Config, secrets: Secrets): void {
  const { url, password, key } = codec.registry ?? {};
  for (const secret of [password, key, registry?.password, registry?.tls?.key])
    if (secret !== undefined) secrets.add(secret);
  // The address itself is none: messages name it without its password.
  if (url !== undefined) secrets.addPasswordOf(url);
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('MR-1002', {
      detail: `${file} cannot be read (${code ?? 'unknown error'})`,
      remedy: 'Name a file that this user may read with --config.',
      cause,
    });
  }
  // A replacement character inside a password would be refused by the server, far from its cause.
  if (!isUtf8(bytes))
    throw new Fault('MR-1003', { detail: `${file} is not UTF-8`, remedy: 'Save it as UTF-8.' });
  return bytes.toString('utf8');
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
  addSyntaxError(text, document, errors);
  errors.throwIfAny();
  if (!isMap(document.contents)) errors.add(0, 1, 'expected a mapping that begins with "pipeline:"');
  errors.throwIfAny();
  refuseProto(document, errors);
  resolveSecrets(document, dirname(file), env, secrets, errors);
  errors.throwIfAny();
  const result = configSchema.safeParse(plainValue(document, errors));
  if (!result.success) {
    for (const issue of result.error.issues) addIssue(document, issue, errors);
    throw errors.fault();
  }
  refuseUnknownBudgets(document, result.data, errors);
  errors.throwIfAny();
  return result.data;
}

/** Only the first: what a parser says after it has lost its way are consequences. */
function addSyntaxError(text: string, document: Document, errors: ConfigErrors): void {
  const [problem] = document.errors;
  if (!problem) return;
  const offset = problem.pos[0];
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1);
  const bare = /[^"']\$\{?$/.test(line) ? `; quote the reference: "\${env:NAME}"` : '';
  errors.add(offset, 1, `${problem.message}${bare}`);
}

/** An alias may name an anchor that is not there, or itself. */
function plainValue(document: Document, errors: ConfigErrors): unknown {
  try {
    return document.toJS();
  } catch (error) {
    errors.add(0, 1, error instanceof Error ? error.message : String(error));
    throw errors.fault();
  }
}

/** A budget of nobody would never page. */
function refuseUnknownBudgets(
  document: Document,
  { followers, monitor }: Config,
  errors: ConfigErrors,
): void {
  const known = ['*', 'capture', ...Object.keys(followers)];
  for (const [index, { follower }] of monitor.budgets.entries()) {
    if (known.includes(follower)) continue;
    const { node } = nearestNode(document, ['monitor', 'budgets', index, 'follower']);
    const meant = suggestion(follower, known);
    const hint = meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`;
    errors.add(node?.range?.[0] ?? 0, lengthOf(node), `there is no follower "${follower}"; ${hint}`);
  }
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
  const said = inPlainWords((inner ?? issue).message.replace(/^Invalid (option|input): /, ''));
  return where === '' ? said : `${where}: ${said}`;
}

const kindsOfYaml: Readonly<Record<string, string>> = {
  record: 'a mapping',
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
};

/** The validator speaks of JavaScript's types, whoever writes YAML does not. */
const inPlainWords = (message: string): string =>
  message.replace(/^expected (\w+), received (\w+)$/, (_, wanted: string, got: string) =>
    [`expected ${kindsOfYaml[wanted] ?? wanted}`, `found ${kindsOfYaml[got] ?? got}`].join(', '),
  );

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
    // Masked before a line is cut to fit: half a URL would not be known for one.
    this.#text = maskSecrets(text);
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
