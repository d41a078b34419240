import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Fault } from '@millrace/runtime';

/**
 * LMDB maps its file and believes its header: a foreign or cut file would end this process with SIGBUS instead of an
 * error. So the two meta pages are looked at first (mdb.c: MDB_page, MDB_meta; this build's page header has 24 bytes):
 *
 *   24 magic u32 · 28 version u32 · 32 address · 40 map size · 48 page size u32 … · 144 last page u64 · 152 transaction u64
 */
/** Of both of LMDB's files. */
export const magic = 0xbeefc0de;
export const at = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152 } as const;
const meta_bytes = 160;
/** Pages that a transaction took and gave back need not have been written: the file may end that much earlier. */
const unwrittenPages_max = 256n;

/** Throws MR-3014 when `path` exists, is not empty, and is no whole LMDB file. */
export function checkDataFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size === 0) return;
    const first = readMeta(file, 0);
    const page_bytes = first?.readUInt32LE(at.pageSize) ?? 0;
    const metas = [first, page_bytes > 0 ? readMeta(file, page_bytes) : undefined].filter(
      (meta) => meta !== undefined,
    );
    const newest = metas.sort((a, b) =>
      a.readBigUInt64LE(at.transaction) < b.readBigUInt64LE(at.transaction) ? 1 : -1,
    )[0];
    if (!newest) throw new Fault('MR-3014', { detail: `${path} is not an LMDB file` });
    const pages = newest.readBigUInt64LE(at.lastPage) + 1n;
    const size = BigInt(fstatSync(file).size);
    if (size < (pages - unwrittenPages_max) * BigInt(page_bytes))
      throw new Fault('MR-3014', {
        detail: `${path} was cut off: it has ${size} bytes and should have ${pages * BigInt(page_bytes)}`,
      });
  } finally {
    closeSync(file);
  }
}

/** A meta page, of which there are two: at 0, and a page further on. Undefined where there is none. */
export function readMeta(file: number, position: number): Buffer | undefined {
  const bytes = Buffer.alloc(meta_bytes);
  const read = readSync(file, bytes, 0, meta_bytes, position);
  return read === meta_bytes && bytes.readUInt32LE(at.magic) === magic ? bytes : undefined;
}
