import type { ExactValue, JsonRecord, TopicRecord } from './exact.js';

/** A string with its escapes, or a number. */
const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/g;

/** One spelling per number: integers whole, whatever their size; others as JavaScript prints the double. */
function spelled(text: string): string {
  if (/^-?[0-9]+$/.test(text) && text !== '-0') return `number:${BigInt(text)}`;
  const value = Number(text);
  return Object.is(value, -0) ? 'number:-0' : `number:${value}`;
}

/** JSON whose numbers survive: each becomes a string, `number:…`. */
export function parseExactJson(text: string): ExactValue {
  const quoted = text.replace(stringOrNumber, (token) =>
    token.startsWith('"') ? token : JSON.stringify(spelled(token)),
  );
  return JSON.parse(quoted) as ExactValue;
}

/** A record of JSON as one to compare: without schemas, which JSON of schemas.enable=false does not carry. */
export function readJsonRecord({ topic, key, value }: JsonRecord): TopicRecord {
  return {
    topic,
    key: key === null ? null : parseExactJson(key),
    keySchema: null,
    value: value === null ? null : parseExactJson(value),
    valueSchema: null,
    headers: {},
  };
}
