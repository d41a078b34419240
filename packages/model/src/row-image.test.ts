import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyRowImage, rowImageOf, rowOf } from './row-image.js';

const row = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant(null), fc.constant(undefined)));

describe('RowImage', () => {
  it('keeps text, null and absent apart through cells and copies', () => {
    fc.assert(
      fc.property(row, (cells) => {
        expect(rowOf(rowImageOf(cells))).toEqual(cells);
        expect(rowOf(copyRowImage(rowImageOf(cells)))).toEqual(cells);
      }),
    );
  });

  it('copies what must outlive the buffer it came from', () => {
    const image = rowImageOf(['alive']);
    const copy = copyRowImage(image);
    image.bytes.fill(0);
    expect(rowOf(copy)).toEqual(['alive']);
  });
});
