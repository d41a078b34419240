import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '@millrace/runtime';

const reference = /\$\{(env|file):([^}]*)\}/g;
/** Shorter values would blank out parts of ordinary words. */
const redacted_length_min = 4;
const mask = '***';

/** Every secret met while reading the configuration, so that none of them is ever printed. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string): void {
    if (value.length >= redacted_length_min) this.#values.add(value);
    this.addPasswordOf(value);
  }

  /** The text without any secret, and without passwords in URLs whether known or not. */
  redact(text: string): string {
    let clean = text;
    // Longest first: a URL before the password inside it.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length))
      clean = clean.replaceAll(value, mask);
    return clean
      .replace(/(:\/\/[^\s/:@]*:)[^\s@/]+@/g, `$1${mask}@`)
      .replace(/whsec_[A-Za-z0-9+/=_-]+/g, mask);
  }

  /** Of a URL, if it has one; the rest of it may be shown. Servers repeat passwords in their own words: alone, and percent-decoded. */
  addPasswordOf(value: string): void {
    if (!URL.canParse(value)) return;
    const { password } = new URL(value);
    for (const form of [password, decode(password)])
      if (form.length >= redacted_length_min) this.#values.add(form);
  }
}

/** Passwords of URLs, whole or broken by characters that should have been percent-encoded; `secret:` and the like; whsec_…. */
const inSources = [
  /(:\/\/[^\s:@/"']*:)(\S*|[^"'\n]*)(?=@)/g,
  /(\b(?:secret|password|key)["']?\s*:\s*)([^}\n]*)/g,
  /([?&](?:password|sslpassword|token|key|secret)=)([^&\s"']*)/gi,
  /(whsec_)([A-Za-z0-9+/=_-]+)/g,
];

/** Source text of a configuration with every secret in it blanked out, each line as long as before. */
export const maskSecrets = (text: string): string =>
  inSources.reduce(
    (clean, pattern) =>
      clean.replace(pattern, (_, before: string, value: string) => before + '*'.repeat(value.length)),
    text,
  );

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that `${file:…}` is relative to. */
  readonly folder: string;
}

/** Replaces `${env:NAME}` and `${file:path}` in one value. Throws MR-1004 naming the reference. */
export function resolveReferences(text: string, sources: SecretSources, secrets: Secrets): string {
  let found = false;
  const value = text.replace(reference, (_, kind: string, what: string) => {
    found = true;
    const part = kind === 'env' ? fromEnvironment(what, sources) : fromFile(what, sources);
    secrets.add(part);
    return part;
  });
  if (found) secrets.add(value);
  return value;
}

function fromEnvironment(variable: string, { env }: SecretSources): string {
  const value = env[variable];
  if (value === undefined || value === '')
    throw new Fault('MR-1004', {
      detail: `the environment variable ${variable} is ${value === undefined ? 'not set' : 'empty'}`,
      remedy: `Set it: export ${variable}=…`,
    });
  return value;
}

function fromFile(path: string, { folder }: SecretSources): string {
  const full = resolve(folder, path);
  try {
    // Editors and `echo` leave a line end that no password has.
    return readFileSync(full, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('MR-1004', {
      detail: `the file ${full} cannot be read (${code ?? 'unknown error'})`,
      cause,
    });
  }
}
