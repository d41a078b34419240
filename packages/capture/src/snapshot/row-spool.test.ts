import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Row, rowImageOf, rowOf } from '@millrace/model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RowSpool } from './row-spool.js';
import { SpoolFile } from './spool-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-spool-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function filled(rows: readonly Row[], memory_bytes: number): Promise<RowSpool> {
  const spool = new RowSpool({ columns: 3, memory_bytes, folder });
  for (const row of rows) {
    const image = rowImageOf(row);
    spool.add(image);
    // Copied: what it came from may be the network's buffer.
    image.bytes.fill(0x3f);
    const room = spool.room();
    if (room) await room;
  }
  await spool.finish();
  return spool;
}

async function rowsOf(spool: RowSpool): Promise<Row[]> {
  const rows: Row[] = [];
  await spool.each({ row: (image) => void rows.push(rowOf(image)), room: () => undefined });
  return rows;
}

const many: Row[] = Array.from({ length: 5_000 }, (_, i) => [
  String(i),
  i % 3 === 0 ? null : 'x'.repeat(i % 500),
  i % 7 === 0 ? undefined : 'ключ',
]);

describe('a spool of rows', () => {
  it('holds few rows in memory, with null, absent and empty apart', async () => {
    const rows: Row[] = [
      ['1', null, undefined],
      ['', 'a', ''],
    ];
    const spool = await filled(rows, 1e6);
    expect(spool.spooled).toBe(false);
    expect(await rowsOf(spool)).toEqual(rows);
    await spool.close();
  });

  it('hands many rows over from its file, in their order, as often as wanted', async () => {
    const spool = await filled(many, 100_000);
    expect(spool).toMatchObject({ count: many.length, spooled: true });
    expect(await rowsOf(spool)).toEqual(many);
    expect(await rowsOf(spool)).toEqual(many);
    await spool.close();
    await spool.close();
  });

  it('takes rows larger than its blocks', async () => {
    const wide: Row[] = [
      ['1', 'a'.repeat(3_000_000), null],
      ['2', 'b', null],
      ['3', 'c'.repeat(700_000), ''],
    ];
    const spool = await filled(wide, 1);
    expect(await rowsOf(spool)).toEqual(wide);
    await spool.close();
  });

  it('asks for room between its blocks, and goes on when there is', async () => {
    const spool = await filled(many, 100_000);
    let waits = 0;
    let rows = 0;
    await spool.each({
      row: () => void rows++,
      room: async () => {
        waits++;
      },
    });
    expect(rows).toBe(many.length);
    expect(waits).toBeGreaterThan(3);
    await spool.close();
  });

  it('leaves no file behind, whether it was read or not', async () => {
    const spool = await filled(many, 1);
    if (process.platform !== 'win32') expect(await readdir(folder)).toEqual([]);
    await spool.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of a folder that does not exist is MR-2016', async () => {
    const spool = new RowSpool({ columns: 1, memory_bytes: 0, folder: join(folder, 'gone') });
    spool.add(rowImageOf(['1']));
    await expect(spool.finish()).rejects.toMatchObject({ code: 'MR-2016' });
    await spool.close();
  });

  it('reads no further than what was written: MR-2016', async () => {
    const file = await SpoolFile.create(folder);
    await file.append(Buffer.from('four'));
    const exact = Buffer.alloc(4);
    await file.read(exact, 0);
    expect(exact.toString()).toBe('four');
    await expect(file.read(Buffer.alloc(5), 0)).rejects.toMatchObject({ code: 'MR-2016' });
    await file.close();
  });
});
