import { readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
}

/** This package's version, as its package.json names it. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest
).version;
