import { type Row, rowOf } from '@millrace/model';
import type { WindowChunk } from '../source.js';

/** All rows of a windowed chunk as cells, for tests; the chunk is closed. */
export async function rowsOfChunk({ rows }: WindowChunk): Promise<Row[]> {
  const found: Row[] = [];
  await rows.each({
    row(image): void {
      found.push(rowOf(image));
    },
    room: () => undefined,
  });
  await rows.close();
  return found;
}
