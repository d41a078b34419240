import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly default?: unknown;
}

/** Every key that one can write, as the page names it: `followers.<name>.schema`, `monitor.budgets[].warn`. */
function keysOf(node: SchemaNode, path = ''): [path: string, node: SchemaNode][] {
  const properties = node.properties ?? node.anyOf?.find((each) => each.properties)?.properties;
  if (properties) {
    return Object.entries(properties).flatMap(([key, value]) =>
      keysOf(value, path === '' ? key : `${path}.${key}`),
    );
  }
  const { additionalProperties, items } = node;
  if (typeof additionalProperties === 'object') return keysOf(additionalProperties, `${path}.<name>`);
  return items?.properties ? keysOf(items, `${path}[]`) : [[path, node]];
}

/** Rows of three cells: key, default, meaning. */
const rows = read('docs/09-operations.md')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 5);
const keys = keysOf(JSON.parse(read('packages/cli/schema/millrace.schema.json')));

it('operations names every key of the configuration, with its default', () => {
  expect(keys.length).toBeGreaterThan(20);
  const untold = keys.flatMap(([key, node]) => {
    const row = rows.find((cells) => cells[1]?.includes(`\`${key}\``));
    if (!row) return [`${key} is missing`];
    const value = node.default;
    if (value === undefined) return [];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return row[2] === `\`${text}\`` ? [] : [`${key}: its default is ${text}, not ${row[2]}`];
  });
  expect(untold).toEqual([]);
});

it('and no key that is not there', () => {
  const known = new Set(keys.map(([key]) => key));
  const told = rows.flatMap((cells) =>
    [...(cells[1] ?? '').matchAll(/`([a-z_]+(?:[.[][^`]*)?)`/g)].map((m) => m[1] ?? ''),
  );
  const sections = told.filter((key) =>
    /^(pipeline|environment|leader|log|codec|registry|followers|monitor)\b/.test(key),
  );
  expect(sections.filter((key) => !known.has(key))).toEqual([]);
});

it('operations says what to do for every fault that waits for an operator', () => {
  const stops = read('docs/faults.md')
    .split('\n### ')
    .filter((section) => section.includes('Policy stop,'))
    .map((section) => section.slice(0, 'MR-0000'.length));
  expect(stops.length).toBeGreaterThan(20);
  const told = read('docs/09-operations.md')
    .split('\n')
    .filter((line) => line.startsWith('| MR-'))
    .map((line) => line.split('|')[1] ?? '')
    .join();
  expect(stops.filter((code) => !told.includes(code))).toEqual([]);
});
