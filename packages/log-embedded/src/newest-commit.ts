import { closeSync, openSync, readSync, realpathSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';
import { at, magic, readMeta } from './data-file.js';

/** In the lock file (mdb.c: MDB_txbody): 0 magic u32 · 4 format u32 · 8 last transaction u64. */
const lockTransactionAt = 8;
const word_bytes = 8;

interface OpenFiles {
  readonly data: number;
  readonly lock: number | undefined;
  readonly page_bytes: number;
  users: number;
}

/**
 * Files by path, each open once in this process for as long as anybody uses its log: closing any descriptor of LMDB's lock file would take away
 * the locks by which LMDB knows that this process lives.
 */
const openFiles = new Map<string, OpenFiles>();

/**
 * Which commit is the newest, by the file itself. LMDB keeps that number in its lock file as well, begins transactions by it, and, when a
 * process opens the environment, sets it to what that process had read a moment before (`mdb_env_open2` in mdb.c of lmdb 3.5): a commit made
 * in between is then forgotten, and the next one overwrites it. So every write transaction is held against the file before it does
 * anything, which costs two small reads.
 */
export class NewestCommit {
  readonly #path: string;
  readonly #files: OpenFiles;
  readonly #word = Buffer.alloc(word_bytes);

  /** Of an environment that is open. `writes` false: only looks. */
  constructor(folder: string, { writes }: { readonly writes: boolean }) {
    this.#path = realpathSync(folder);
    const known = openFiles.get(this.#path);
    this.#files = known && (known.lock !== undefined || !writes) ? known : openAll(this.#path, writes);
    this.#files.users++;
    openFiles.set(this.#path, this.#files);
  }

  /** Number of the newest commit in the file. */
  read(): bigint {
    const { data, page_bytes } = this.#files;
    const [one, other] = [0, page_bytes].map((page) => this.#at(data, page + at.transaction)) as [
      bigint,
      bigint,
    ];
    return one > other ? one : other;
  }

  /**
   * Called first in a write transaction, which holds LMDB's lock: true when it stands on the newest commit. Otherwise the number in the lock
   * file is put right, and the transaction must be given up.
   */
  isBaseOf(transaction: number): boolean {
    const newest = this.read();
    if (BigInt(transaction) === newest + 1n) return true;
    this.#word.writeBigUInt64LE(newest);
    writeSync(this.#files.lock as number, this.#word, 0, word_bytes, lockTransactionAt);
    return false;
  }

  /** After the environment was closed. */
  close(): void {
    const files = this.#files;
    if (--files.users > 0) return;
    if (openFiles.get(this.#path) === files) openFiles.delete(this.#path);
    closeSync(files.data);
    if (files.lock !== undefined) closeSync(files.lock);
  }

  #at(file: number, position: number): bigint {
    readSync(file, this.#word, 0, word_bytes, position);
    return this.#word.readBigUInt64LE();
  }
}

function openAll(path: string, writes: boolean): OpenFiles {
  const data = openSync(join(path, 'data.mdb'), 'r');
  const lock = writes ? openSync(join(path, 'lock.mdb'), 'r+') : undefined;
  const meta = readMeta(data, 0);
  const head = Buffer.alloc(word_bytes);
  if (lock !== undefined) readSync(lock, head, 0, word_bytes, 0);
  if (!meta || (lock !== undefined && head.readUInt32LE() !== magic))
    throw new Fault('MR-3014', {
      detail: `the LMDB files in ${path} have a layout that this version does not know`,
    });
  return { data, lock, page_bytes: meta.readUInt32LE(at.pageSize), users: 0 };
}
