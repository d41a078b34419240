import { semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import { type Coding, unavailableValue } from './coding.js';

const pair = /"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")(?:, |$)/gsy;
const member = /"((?:[^"\\]|\\.)*)":(?:null|"((?:[^"\\]|\\.)*)")(?:,|$)/gsy;

/** All matches of a sticky pattern, or undefined when they do not cover the text. */
function covering(pattern: RegExp, text: string): RegExpExecArray[] | undefined {
  const matches: RegExpExecArray[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) return undefined;
    matches.push(match);
  }
  return matches;
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');
const escaped = (text: string): string => text.replace(/["\\]/g, '\\$&');

/** hstore as a JSON object's text (`hstore.handling.mode=json`), pairs in the leader's order. */
export const hstore: Coding = {
  schema: semantic('string', 'io.debezium.data.Json'),
  writer: (wire) => (bytes, from, size, out) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('utf8');
    const pairs = covering(pair, text);
    if (!pairs) throw new Refusal('the text is not an hstore');
    const members = pairs.map(([, key = '', value]) => {
      const json = value === undefined ? 'null' : JSON.stringify(unescaped(value));
      return `${JSON.stringify(unescaped(key))}:${json}`;
    });
    const json = Buffer.from(`{${members.join(',')}}`);
    wire.text(json, 0, json.length, out);
  },
  read: (reader) => {
    const json = reader.text();
    // JSON.parse into an object would reorder keys that look like numbers.
    const members = /^\{.*\}$/s.test(json) ? covering(member, json.slice(1, -1)) : undefined;
    if (!members) throw reader.damaged('not a JSON object of strings');
    const pairs = members.map(([, key = '', value]) => {
      const text = value === undefined ? 'NULL' : `"${escaped(parsedString(value))}"`;
      return `"${escaped(parsedString(key))}"=>${text}`;
    });
    return pairs.join(', ');
  },
  placeholder: `"${unavailableValue}"=>"${unavailableValue}"`,
  zero: '',
};

const parsedString = (inner: string): string => JSON.parse(`"${inner}"`) as string;
