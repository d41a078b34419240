import { Fault } from '@millrace/runtime';

/**
 * Names as Avro allows them (debezium-envelope §13). Debezium's rule `avro` writes `_` for what is not allowed and puts `_` before a leading
 * digit; `avro_unicode` writes `_uXXXX` for those and for `_` itself, which is injective.
 */
export function avroName(name: string): string {
  const replaced = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(replaced) || replaced === '' ? `_${replaced}` : replaced;
}

/** As `avroName`, dots allowed: for schema names. */
export function avroSchemaName(name: string): string {
  const replaced = name.replace(/[^A-Za-z0-9_.]/g, '_');
  // Avro wants every part to start with a letter or underscore; Debezium looks at the first only, and such names then fail.
  return replaced
    .split('.')
    .map((part) => (/^[0-9]/.test(part) || part === '' ? `_${part}` : part))
    .join('.');
}

/** Debezium's `avro_unicode`. */
function avroUnicodeName(name: string): string {
  let result = '';
  for (let i = 0; i < name.length; i++) {
    const char = name.charAt(i);
    const legal = i === 0 ? /[A-Za-z]/.test(char) : /[A-Za-z0-9]/.test(char);
    result += legal ? char : `_u${name.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return result;
}

/**
 * Field names of one table. Where two columns' names become one, `refuse` throws as Debezium does; otherwise the altered ones
 * take their `avro_unicode` form (and a number where even that is taken), so that any table can be carried.
 */
export function avroFieldNames(
  columns: readonly string[],
  table: string,
  onCollision: 'refuse' | 'spell',
): string[] {
  const adjusted = columns.map(avroName);
  const uses = new Map<string, number>();
  for (const name of adjusted) uses.set(name, (uses.get(name) ?? 0) + 1);
  const taken = new Set(adjusted.filter((name, i) => name === columns[i]));
  return adjusted.map((name, i) => {
    if (uses.get(name) === 1 || name === columns[i]) return name;
    if (onCollision === 'refuse') {
      throw new Fault('MR-5002', {
        detail: `table ${table}: more than one column becomes Avro field "${name}"`,
        context: { table, field: name },
        remedy: 'Use preset `lossless` or format `json`, rename a column, or exclude one.',
      });
    }
    return claimed(avroUnicodeName(columns[i] as string), taken, uses);
  });
}

function claimed(wanted: string, taken: Set<string>, uses: ReadonlyMap<string, number>): string {
  let name = wanted;
  for (let n = 2; taken.has(name) || uses.has(name); n++) name = `${wanted}_${n}`;
  taken.add(name);
  return name;
}
