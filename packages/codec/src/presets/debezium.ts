import type { ColumnType } from '@millrace/model';
import { arrayOf, arrayPlaceholders } from '../values/arrays.js';
import { bits, bitsUnbounded } from '../values/bits.js';
import { singleBit } from '../values/booleans.js';
import type { Coding } from '../values/coding.js';
import { decimal, money, variableScaleDecimal } from '../values/decimals.js';
import { doubleVector, floatVector, geography, geometry } from '../values/extension-types.js';
import { hstore } from '../values/hstores.js';
import { microDuration } from '../values/intervals.js';
import { documentedPoint } from '../values/points.js';
import { zonedTime } from '../values/zoned-times.js';
import { enumeration, exactExtensionTypes, exactModifiedType, exactTypes } from './lossless.js';
import type { Preset } from './preset.js';
import { baseOf, isBuiltIn } from './type-shape.js';

/** Built-in types whose Debezium encoding does not hold every value. */
const otherTypes: ReadonlyMap<string, Coding> = new Map([
  ['money', money],
  ['interval', microDuration],
  ['timetz', zonedTime],
]);

/** Lossless leaves the description out: it would change the schemas of logs that exist. */
const describedTypes: ReadonlyMap<string, Coding> = new Map([['point', documentedPoint()]]);

const extensionTypes: ReadonlyMap<string, Coding> = new Map([
  ...exactExtensionTypes,
  ['hstore', hstore],
  ['vector', doubleVector],
  ['halfvec', floatVector],
  ['geometry', geometry],
  ['geography', geography],
]);

/** Scalars of which Debezium makes no arrays (debezium-envelope §11); its bit arrays contradict their own schema. */
const noArrays: ReadonlySet<string> = new Set([
  'money',
  'name',
  'interval',
  'bit',
  'varbit',
  'xml',
  'point',
  'tsvector',
  'vector',
  'halfvec',
]);

/** numeric's typmod: precision in the upper half, scale in the lower eleven bits, signed since PostgreSQL 15. */
function numeric(typmod: number): Coding {
  if (typmod < 4) return variableScaleDecimal;
  const packed = typmod - 4;
  return decimal((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 0x400) - 0x400);
}

function varyingBits(typmod: number): Coding {
  return typmod === 1 ? singleBit : bits(typmod < 1 ? bitsUnbounded : typmod, false);
}

function builtIn(type: ColumnType): Coding | undefined {
  const fixed =
    describedTypes.get(type.name) ??
    exactTypes.get(type.name) ??
    otherTypes.get(type.name) ??
    exactModifiedType(type);
  if (fixed) return fixed;
  if (type.name === 'numeric') return numeric(type.typmod);
  return type.name === 'varbit' || type.name === 'bit' ? varyingBits(type.typmod) : undefined;
}

function array(type: ColumnType): Coding | undefined {
  const { element } = type;
  // Arrays of domains are left out, too.
  if (!element || element.kind === 'domain' || element.kind === 'array' || noArrays.has(element.name))
    return undefined;
  const coding = scalar(element);
  return (
    coding &&
    arrayOf(coding, {
      itemsOptional: element.kind !== 'enum',
      placeholder: arrayPlaceholders.get(element.name) ?? null,
    })
  );
}

function scalar(type: ColumnType): Coding | undefined {
  if (type.kind === 'enum') return enumeration(type);
  if (isBuiltIn(type)) return type.kind === 'base' || type.kind === 'range' ? builtIn(type) : undefined;
  return type.kind === 'base' ? extensionTypes.get(type.name) : undefined;
}

/**
 * Preset `debezium`: Debezium's default mapping throughout; columns of types that it does not know are left out, as
 * there. `inexactColumns` tells what that costs.
 */
export const debezium: Preset = {
  name: 'debezium',
  strictNames: true,
  coding(columnType) {
    const type = baseOf(columnType);
    return type.kind === 'array' ? array(type) : scalar(type);
  },
};
