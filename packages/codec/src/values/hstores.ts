import { semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import { type Coding, unavailableValue } from './coding.js';

const quote = '"';
const escapeCode = 0x5c;
const quoteCode = 0x22;

/** A text of `"key"<arrow>"value"` pairs, where a value may be the bare word `nothing`. */
interface PairForm {
  readonly arrow: string;
  readonly nothing: string;
  readonly separator: string;
}

const hstoreForm: PairForm = { arrow: '=>', nothing: 'NULL', separator: ', ' };
const jsonForm: PairForm = { arrow: ':', nothing: 'null', separator: ',' };

type Pair = readonly [key: string, value: string | undefined];

/** Position after the quoted part that starts at `start`; −1 when it does not end. Both forms escape with a backslash. */
function afterQuoted(text: string, start: number): number {
  if (!text.startsWith(quote, start)) return -1;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === escapeCode) at++;
    else if (code === quoteCode) return at + 1;
  }
  return -1;
}

/** The pairs with their quotes taken off and escapes left in; undefined when the text is of another form. */
function pairsOf(text: string, form: PairForm): Pair[] | undefined {
  const pairs: Pair[] = [];
  for (let at = 0; at < text.length; ) {
    if (pairs.length > 0) {
      if (!text.startsWith(form.separator, at)) return undefined;
      at += form.separator.length;
    }
    const keyEnd = afterQuoted(text, at);
    if (keyEnd < 0 || !text.startsWith(form.arrow, keyEnd)) return undefined;
    const valueStart = keyEnd + form.arrow.length;
    const isNothing = text.startsWith(form.nothing, valueStart);
    const end = isNothing ? valueStart + form.nothing.length : afterQuoted(text, valueStart);
    if (end < 0) return undefined;
    pairs.push([text.slice(at + 1, keyEnd - 1), isNothing ? undefined : text.slice(valueStart + 1, end - 1)]);
    at = end;
  }
  return pairs;
}

const printed = (pairs: readonly Pair[], form: PairForm, quoted: (inner: string) => string): string =>
  pairs
    .map(([key, value]) => quoted(key) + form.arrow + (value === undefined ? form.nothing : quoted(value)))
    .join(form.separator);

const asJsonString = (inner: string): string => JSON.stringify(inner.replace(/\\(.)/gs, '$1'));
const asHstoreString = (inner: string): string =>
  `"${(JSON.parse(`"${inner}"`) as string).replace(/["\\]/g, '\\$&')}"`;

/** hstore as a JSON object's text (`hstore.handling.mode=json`), pairs in the leader's order. */
export const hstore: Coding = {
  schema: semantic('string', 'io.debezium.data.Json'),
  writer: (wire) => (bytes, from, size, out) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('utf8');
    const pairs = pairsOf(text, hstoreForm);
    if (!pairs) throw new Refusal('the text is not an hstore');
    const json = Buffer.from(`{${printed(pairs, jsonForm, asJsonString)}}`);
    wire.text(json, 0, json.length, out);
  },
  read: (reader) => {
    const json = reader.text();
    // JSON.parse into an object would reorder keys that look like numbers.
    const pairs =
      json.startsWith('{') && json.endsWith('}') ? pairsOf(json.slice(1, -1), jsonForm) : undefined;
    try {
      if (pairs) return printed(pairs, hstoreForm, asHstoreString);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw reader.damaged('not a JSON object of strings');
  },
  placeholder: `"${unavailableValue}"=>"${unavailableValue}"`,
  zero: '',
};
