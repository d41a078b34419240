type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * A form that two texts of one schema share, whoever printed them: attributes sorted, blanks gone, `{"type":"string"}` written
 * `"string"`. Nothing is left out, so that texts which differ in a default, a logical type or a property stay two schemas.
 * Throws SyntaxError when `text` is no JSON.
 */
export function comparableForm(text: string): string {
  return JSON.stringify(sorted(JSON.parse(text) as Json));
}

function sorted(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === 'type') return sorted(value.type as Json);
  return Object.fromEntries(keys.sort().map((key) => [key, sorted(value[key] as Json)]));
}
