import { type PrimitiveSchema, type StructSchema, semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import type { WireReader } from '../wire/wire.js';
import type { Coding } from './coding.js';

const decimalName = 'org.apache.kafka.connect.data.Decimal';
const numeral = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;
/** Up to so many digits a number and six bytes do; beyond, bigint. */
const smallDigits_max = 14;

const latin1 = (bytes: Uint8Array, from: number, size: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('latin1');

/** Big-endian two's complement of an integer's decimal text, as short as it can be (java.math.BigInteger.toByteArray). */
export function integerBytes(digits: string): Buffer {
  if (digits.length > smallDigits_max) return bigintBytes(BigInt(digits));
  const value = Number(digits);
  let size = 1;
  while (value >= 2 ** (8 * size - 1) || value < -(2 ** (8 * size - 1))) size++;
  const bytes = Buffer.alloc(size);
  bytes.writeIntBE(value + 0, 0, size);
  return bytes;
}

function bigintBytes(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value;
  let hex = magnitude.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  // The top bit is the sign.
  if (hex >= '8') hex = `00${hex}`;
  const bytes = Buffer.from(hex, 'hex');
  if (value < 0n) for (let i = 0; i < bytes.length; i++) bytes[i] = ~(bytes[i] as number);
  return bytes;
}

function integerOf(bytes: Buffer, reader: WireReader): bigint {
  if (bytes.length === 0) throw reader.damaged('a decimal has no bytes');
  const magnitude = BigInt(`0x${bytes.toString('hex')}`);
  return (bytes[0] as number) > 0x7f ? magnitude - (1n << BigInt(8 * bytes.length)) : magnitude;
}

/** Text of unscaled × 10^−scale, with exactly `scale` digits after the point (none for scale ≤ 0). */
function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return unscaled === 0n ? '0' : unscaled.toString() + '0'.repeat(-scale);
  const sign = unscaled < 0n ? '-' : '';
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function parts(text: string): { sign: string; whole: string; fraction: string } {
  const match = numeral.exec(text);
  // NaN and the infinities: Debezium's connector throws on them, too.
  if (!match) throw new Refusal('a Decimal holds neither NaN nor infinity; use preset `lossless`');
  return { sign: match[1] ?? '', whole: match[2] ?? '', fraction: match[3] ?? '' };
}

/** The unscaled integer's text at `scale`; refuses what would have to be rounded. */
function unscaledAt(text: string, scale: number): string {
  const { sign, whole, fraction } = parts(text);
  if (scale >= 0) {
    if (fraction.length > scale) throw new Refusal('the number has more decimals than its type');
    return sign + whole + fraction.padEnd(scale, '0');
  }
  if (fraction !== '') throw new Refusal('the number has more decimals than its type');
  if (Number(whole) === 0) return '0';
  if (!whole.endsWith('0'.repeat(-scale))) throw new Refusal('the number is finer than its type’s scale');
  return sign + whole.slice(0, scale);
}

/** numeric(p,s) as Connect's Decimal. Exact for every number: PostgreSQL prints exactly s decimals. */
export function decimal(precision: number, scale: number): Coding {
  const schema = semantic('bytes', decimalName, {
    scale: String(scale),
    'connect.decimal.precision': String(precision),
  });
  return scaled(schema, scale);
}

function scaled(schema: PrimitiveSchema, scale: number): Coding {
  return {
    schema,
    writer: (wire) => (bytes, from, size, out) => {
      const unscaled = integerBytes(unscaledAt(latin1(bytes, from, size), scale));
      wire.bytes(unscaled, 0, unscaled.length, out);
    },
    read: (reader) => decimalText(integerOf(reader.bytes(), reader), scale),
    placeholder: null,
    zero: '0',
  };
}

const variableScale: StructSchema = {
  type: 'struct',
  name: 'io.debezium.data.VariableScaleDecimal',
  version: 1,
  doc: 'Variable scaled decimal',
  fields: [
    { name: 'scale', schema: { type: 'int32' }, optional: false },
    { name: 'value', schema: { type: 'bytes' }, optional: false },
  ],
};
/** PostgreSQL's greatest scale of a stored number. */
const scale_max = 16_383;

/** numeric without scale: trailing zeros of the fraction are stripped, as Debezium does. */
export const variableScaleDecimal: Coding = {
  schema: variableScale,
  writer: (wire) => (bytes, from, size, out) => {
    const { sign, whole, fraction } = parts(latin1(bytes, from, size));
    const kept = fraction.replace(/0+$/, '');
    const unscaled = integerBytes(sign + whole + kept);
    wire.beginStruct(out);
    wire.field(0, 'scale', out);
    wire.int(kept.length, out);
    wire.field(1, 'value', out);
    wire.bytes(unscaled, 0, unscaled.length, out);
    wire.endStruct(out);
  },
  read: (reader) => {
    reader.beginStruct();
    reader.field(0, 'scale');
    const scale = reader.int();
    if (scale < 0 || scale > scale_max) throw reader.damaged('a scale is out of range');
    reader.field(1, 'value');
    const unscaled = integerOf(reader.bytes(), reader);
    reader.endStruct();
    return decimalText(unscaled, scale);
  },
  placeholder: null,
  zero: '0',
  inexact: 'trailing zeros after the decimal point are lost (1.50 comes back as 1.5)',
};

const moneyScale = 2;
const moneyText = /^(-?)\$([0-9,]+)(?:\.([0-9]+))?$/;

/** money as Decimal of two decimals, from its text in the C and en_US locales. */
export const money: Coding = {
  ...scaled(semantic('bytes', decimalName, { scale: String(moneyScale) }), moneyScale),
  writer: (wire) => (bytes, from, size, out) => {
    const match = moneyText.exec(latin1(bytes, from, size));
    if (!match) throw new Refusal('the leader’s lc_monetary is neither C nor en_US');
    const [, sign = '', whole = '', fraction = ''] = match;
    if (fraction.length > moneyScale) throw new Refusal('the amount has more than two decimals');
    const amount = integerBytes(sign + whole.replaceAll(',', '') + fraction.padEnd(moneyScale, '0'));
    wire.bytes(amount, 0, amount.length, out);
  },
  read: (reader) => {
    const text = decimalText(integerOf(reader.bytes(), reader), moneyScale);
    const [whole = '', fraction] = text.replace('-', '').split('.');
    const grouped = whole.replace(/\B(?=(?:[0-9]{3})+$)/g, ',');
    return `${text.startsWith('-') ? '-' : ''}$${grouped}.${fraction}`;
  },
  zero: '$0.00',
  inexact:
    'the amount travels as a plain decimal: currency sign and grouping of the leader’s lc_monetary are lost',
};
