import { Refusal } from '../wire/refusal.js';
import type { Coding } from './coding.js';

/** A type of two values as BOOLEAN: `t`/`f`, or `1`/`0` for bit(1). */
function twoValued(truth: string, falsehood: string): Coding {
  const truthByte = truth.charCodeAt(0);
  const falsehoodByte = falsehood.charCodeAt(0);
  return {
    schema: { type: 'boolean' },
    writer: (wire) => (bytes, from, size, out) => {
      const byte = bytes[from];
      if (size !== 1 || (byte !== truthByte && byte !== falsehoodByte))
        throw new Refusal(`the text is neither ${truth} nor ${falsehood}`);
      wire.boolean(byte === truthByte, out);
    },
    read: (reader) => (reader.boolean() ? truth : falsehood),
    placeholder: null,
    zero: falsehood,
  };
}

export const boolean = twoValued('t', 'f');
export const singleBit = twoValued('1', '0');
