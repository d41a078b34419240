import { createHash } from 'node:crypto';
import { Refusal } from '../wire/refusal.js';
import { arrayElements, arrayText } from './array-text.js';
import { dateText } from './calendar.js';
import { type Coding, unavailableValue } from './coding.js';

/**
 * One-dimensional arrays as Connect arrays of the element's encoding. Arrays of more dimensions or other lower bounds are
 * refused: Debezium assumes one dimension.
 */
export function arrayOf(
  element: Coding,
  options: { itemsOptional: boolean; placeholder: string | null },
): Coding {
  const { itemsOptional } = options;
  return {
    schema: { type: 'array', items: element.schema, itemsOptional },
    writer: (wire) => {
      const write = element.writer(wire);
      return (bytes, from, size, out) => {
        const cells = arrayElements(Buffer.from(bytes.buffer, bytes.byteOffset + from, size));
        wire.beginArray(cells.length, out);
        cells.forEach((cell, index) => {
          wire.item(index, out);
          if (cell === null) {
            // Debezium's enum arrays have required items.
            if (!itemsOptional) throw new Refusal('the array holds NULL, which its encoding cannot');
            wire.none(out);
          } else {
            if (itemsOptional) wire.some(out);
            write(cell, 0, cell.length, out);
          }
        });
        wire.endArray(cells.length, out);
      };
    },
    read: (reader) => {
      const cells: (string | null)[] = [];
      reader.beginArray();
      for (let left = reader.block(); left > 0; left = reader.block()) {
        for (; left > 0; left--) {
          reader.item(cells.length);
          cells.push(itemsOptional && !reader.some() ? null : element.read(reader));
        }
      }
      return arrayText(cells);
    },
    placeholder: options.placeholder,
    zero: '{}',
    ...(element.inexact === undefined ? {} : { inexact: element.inexact }),
  };
}

const placeholderBytes = [...Buffer.from(unavailableValue)];

/** java.util.UUID.nameUUIDFromBytes of the placeholder. */
function placeholderUuid(): string {
  const md5 = createHash('md5').update(unavailableValue).digest();
  md5[6] = ((md5[6] as number) & 0x0f) | 0x30;
  md5[8] = ((md5[8] as number) & 0x3f) | 0x80;
  const hex = md5.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What Debezium sends for an unchanged array (debezium-envelope §12), as array text, by element type. */
export const arrayPlaceholders: ReadonlyMap<string, string> = new Map([
  ...['text', 'varchar', 'bpchar', 'json', 'jsonb'].map((name) => [name, `{${unavailableValue}}`] as const),
  ['bytea', `{"\\\\x${Buffer.from(unavailableValue).toString('hex')}"}`],
  ['int4', `{${placeholderBytes.join(',')}}`],
  ['int8', `{${placeholderBytes.join(',')}}`],
  ['date', `{${placeholderBytes.map(dateText).join(',')}}`],
  ['uuid', `{${placeholderUuid()}}`],
]);
