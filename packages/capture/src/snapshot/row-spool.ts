import { Buffer } from 'node:buffer';
import { emptyRowImage, type RowImage } from '@millrace/model';
import { assert } from '@millrace/runtime';
import type { RowReceiver, WindowRows } from '../source.js';
import { SpoolFile } from './spool-file.js';

export interface RowSpoolOptions {
  /** Columns of every row. */
  readonly columns: number;
  /** Rows are held in memory up to here, and all of them in a temporary file beyond. */
  readonly memory_bytes: number;
  /** Of the temporary file; default the system's. */
  readonly folder?: string | undefined;
}

const firstBlock_bytes = 4 * 1024;
/** What is written to and read from the file at once. A larger row has a block of its own. */
const block_bytes = 256 * 1024;
const length_bytes = 4;

/**
 * Rows of a windowed read, packed into blocks of whole rows: per row the length of each cell (or NULL, absent) as int32, then the
 * cells' bytes. Blocks wait in memory until there are too many of them; then they go to a temporary file (promise 7).
 *
 * Filled first (`add`, awaiting `room`, then `finish`), then read as often as wanted, by one reader at a time.
 */
export class RowSpool implements WindowRows {
  readonly #o: RowSpoolOptions;
  /** Full blocks in memory. */
  #blocks: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #file: SpoolFile | undefined;
  /** Lengths of the blocks in the file. */
  readonly #inFile: number[] = [];
  #count = 0;
  #bytes = 0;
  #closed = false;

  constructor(options: RowSpoolOptions) {
    this.#o = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Packed size of all rows. */
  get bytes(): number {
    return this.#bytes;
  }

  get spooled(): boolean {
    return this.#file !== undefined;
  }

  /** Copies a row in. */
  add(image: RowImage): void {
    const { columns } = this.#o;
    assert(image.columns === columns, 'rows of one spool have the same columns');
    let size = columns * length_bytes;
    for (let i = 0; i < columns; i++) size += Math.max(0, image.length[i] as number);
    if (this.#used + size > this.#block.length) this.#nextBlock(size);
    const block = this.#block;
    let at = this.#used + columns * length_bytes;
    for (let i = 0; i < columns; i++) {
      const length = image.length[i] as number;
      block.writeInt32LE(length, this.#used + i * length_bytes);
      if (length <= 0) continue;
      const from = image.offset[i] as number;
      block.set(image.bytes.subarray(from, from + length), at);
      at += length;
    }
    this.#used = at;
    this.#count++;
    this.#bytes += size;
  }

  /** Undefined: go on. A promise: await it before the next row, memory is full. */
  room(): Promise<void> | undefined {
    if (this.#bytes <= this.#o.memory_bytes || this.#blocks.length === 0) return undefined;
    return this.#write();
  }

  /** No more rows. */
  async finish(): Promise<void> {
    if (this.#used > 0) this.#blocks.push(this.#block.subarray(0, this.#used));
    this.#block = Buffer.alloc(0);
    this.#used = 0;
    if (this.#file !== undefined || this.#bytes > this.#o.memory_bytes) await this.#write();
  }

  async each(to: RowReceiver): Promise<void> {
    const image = emptyRowImage(this.#o.columns);
    for (const block of this.#blocks) {
      this.#hand(block, image, to);
      const room = to.room();
      if (room) await room;
    }
    if (this.#file) await this.#eachInFile(this.#file, image, to);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#blocks = [];
    await this.#file?.close();
  }

  async #eachInFile(file: SpoolFile, image: RowImage, to: RowReceiver): Promise<void> {
    const buffer = Buffer.allocUnsafe(this.#inFile.reduce((most, length) => Math.max(most, length), 0));
    let position = 0;
    for (const length of this.#inFile) {
      const block = buffer.subarray(0, length);
      await file.read(block, position);
      position += length;
      this.#hand(block, image, to);
      const room = to.room();
      if (room) await room;
    }
  }

  #hand(block: Buffer, image: RowImage, to: RowReceiver): void {
    const { columns } = this.#o;
    image.columns = columns;
    image.bytes = block;
    for (let at = 0; at < block.length; ) {
      let cell = at + columns * length_bytes;
      for (let i = 0; i < columns; i++) {
        const length = block.readInt32LE(at + i * length_bytes);
        image.offset[i] = cell;
        image.length[i] = length;
        cell += Math.max(0, length);
      }
      at = cell;
      to.row(image);
    }
  }

  #nextBlock(least_bytes: number): void {
    if (this.#used > 0) this.#blocks.push(this.#block.subarray(0, this.#used));
    const grown_bytes = Math.min(block_bytes, Math.max(firstBlock_bytes, this.#block.length * 2));
    this.#block = Buffer.allocUnsafe(Math.max(grown_bytes, least_bytes));
    this.#used = 0;
  }

  async #write(): Promise<void> {
    this.#file ??= await SpoolFile.create(this.#o.folder);
    const blocks = this.#blocks;
    this.#blocks = [];
    for (const block of blocks) {
      await this.#file.append(block);
      this.#inFile.push(block.length);
    }
  }
}
