import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fence } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { ABORT, type Database, open, type RootDatabase } from 'lmdb';
import { checkDataFile } from './data-file.js';
import { toLogFault } from './faults.js';
import { NewestCommit } from './newest-commit.js';

export type Rows = Database<Buffer, Buffer>;

/** Keys of the database `meta`. */
const metaKeys = {
  format: Buffer.from('format'),
  id: Buffer.from('id'),
  fence: Buffer.from('fence'),
  progress: Buffer.from('progress'),
  pendingEvents: Buffer.from('pending-events'),
} as const;

const topicPrefix = 'topic/';
const numberPrefix = 'number/';
const format = 1;
const dataFile = 'data.mdb';
/** Our own files in the directory, beside LMDB's. */
export const ownFiles = { wake: 'wake', writers: 'writers' } as const;

export interface ProgressMarks {
  low: bigint;
  next: bigint;
  bytes: number;
  /** Bytes of all events, so that the limit and retention need no sum over partitions. */
  event_bytes: number;
}

export interface TopicRow {
  readonly id: number;
  readonly partitions: number;
}

export interface HeldFence extends Fence {
  /** Of its claim's record. */
  readonly offset: bigint;
}

/** One is the rule; a second follows when another process opened the log meanwhile. */
const tries_max = 1_000;

/**
 * The LMDB environment and its databases. `read` and `write` are synchronous sections: a read sees one flushed snapshot and
 * gives it up at the end, so that no reader pins pages (§12); a write is one transaction, durable when it returns
 * (overlapping sync off: a commit is flushed before it becomes visible to anyone).
 */
export class Store {
  readonly path: string;
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly events: Rows;
  readonly partitions: Rows;
  readonly progress: Rows;
  readonly meta: Rows;
  readonly tables: Rows;
  readonly #newest: NewestCommit;

  constructor(path: string, options: { readonly readOnly: boolean }) {
    this.path = path;
    const binary = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
    try {
      this.root = open<Buffer, Buffer>({
        path,
        ...binary,
        noSubdir: false,
        maxDbs: 8,
        overlappingSync: false,
        readOnly: options.readOnly,
      });
      const database = (name: string): Rows => this.root.openDB<Buffer, Buffer>({ name, ...binary });
      this.meta = database('meta');
      this.partitions = database('partitions');
      this.progress = database('progress');
      this.events = database('events');
      this.tables = database('tables');
      this.#newest = new NewestCommit(path, { writes: !options.readOnly });
    } catch (error) {
      throw toLogFault(error, `opening the log in ${path}`);
    }
  }

  /** Makes the directory, or checks that it is a log's. Throws MR-3014, and MR-3008 when there is none to read. */
  static prepare(path: string, readOnly: boolean): void {
    prepare(path, readOnly);
  }

  /** Runs `section` on one fresh snapshot. */
  read<T>(section: () => T): T {
    this.root.resetReadTxn();
    try {
      return section();
    } catch (error) {
      throw toLogFault(error, `reading the log in ${this.path}`);
    } finally {
      this.root.resetReadTxn();
    }
  }

  /** Runs `section` in one transaction; durable when this returns, undone when it throws. */
  write<T>(section: () => T): T {
    try {
      for (let tries = 0; tries < tries_max; tries++) {
        const result = this.root.transactionSync(() => {
          if (this.#newest.isBaseOf(this.root.getWriteTxnId())) return { value: section() };
          return ABORT;
        });
        // Aborted: it stood on a commit that was not the newest, which is put right now.
        if (result !== ABORT) return (result as { readonly value: T }).value;
      }
      throw new Fault('MR-3008', {
        detail: `no transaction of the log in ${this.path} stood on its newest commit in ${tries_max} tries`,
        remedy: 'Its files were exchanged while it was open: start this process again.',
      });
    } catch (error) {
      throw toLogFault(error, `writing the log in ${this.path}`);
    }
  }

  /** The log's identity; made by the first writer with `fresh`. Undefined in a log that no writer has opened yet. */
  identity(fresh?: Uint8Array): Uint8Array | undefined {
    const version = this.meta.get(metaKeys.format);
    if (version && version[0] !== format)
      throw new Fault('MR-3011', {
        detail: `the log in ${this.path} has format ${version[0]} (this Millrace reads ${format})`,
      });
    const id = this.meta.get(metaKeys.id);
    if (id || !fresh) return id && new Uint8Array(id);
    this.meta.putSync(metaKeys.format, Buffer.of(format));
    this.meta.putSync(metaKeys.id, Buffer.from(fresh));
    return new Uint8Array(fresh);
  }

  fence(): HeldFence | undefined {
    const bytes = this.meta.get(metaKeys.fence);
    return (
      bytes && {
        epoch: bytes.readUInt32BE(0),
        nonce: bytes.subarray(4, 20),
        offset: bytes.readBigUInt64BE(20),
      }
    );
  }

  putFence(fence: HeldFence): void {
    const bytes = Buffer.alloc(28);
    bytes.writeUInt32BE(fence.epoch, 0);
    bytes.set(fence.nonce, 4);
    bytes.writeBigUInt64BE(fence.offset, 20);
    this.meta.putSync(metaKeys.fence, bytes);
  }

  marks(): ProgressMarks {
    const bytes = this.meta.get(metaKeys.progress);
    if (!bytes) return { low: 0n, next: 0n, bytes: 0, event_bytes: 0 };
    return {
      low: bytes.readBigUInt64BE(0),
      next: bytes.readBigUInt64BE(8),
      bytes: bytes.readDoubleBE(16),
      event_bytes: bytes.readDoubleBE(24),
    };
  }

  putMarks(marks: ProgressMarks): void {
    const bytes = Buffer.alloc(32);
    bytes.writeBigUInt64BE(marks.low, 0);
    bytes.writeBigUInt64BE(marks.next, 8);
    bytes.writeDoubleBE(marks.bytes, 16);
    bytes.writeDoubleBE(marks.event_bytes, 24);
    this.meta.putSync(metaKeys.progress, bytes);
  }

  topic(name: string): TopicRow | undefined {
    const bytes = this.meta.get(Buffer.from(topicPrefix + name));
    return bytes && { id: bytes.readUInt32BE(0), partitions: bytes.readUInt32BE(4) };
  }

  topics(): { readonly name: string; readonly row: TopicRow }[] {
    const found: { name: string; row: TopicRow }[] = [];
    for (const { key, value } of this.#metaRange(topicPrefix))
      found.push({
        name: key.toString('utf8').slice(topicPrefix.length),
        row: { id: value.readUInt32BE(0), partitions: value.readUInt32BE(4) },
      });
    return found;
  }

  addTopic(name: string, partitions: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(Math.max(0, ...this.topics().map(({ row }) => row.id)) + 1, 0);
    bytes.writeUInt32BE(partitions, 4);
    this.meta.putSync(Buffer.from(topicPrefix + name), bytes);
  }

  /** Which topic a layout's number means: records name topics by number only. */
  topicOfNumber(number: number): number | undefined {
    return this.meta.get(Buffer.from(`${numberPrefix}${number}`))?.readUInt32BE(0);
  }

  putNumber(number: number, topic: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(topic, 0);
    this.meta.putSync(Buffer.from(`${numberPrefix}${number}`), bytes);
  }

  /** Frees the snapshots of readers that were killed inside one: they would pin pages. */
  dropDeadReaders(): void {
    this.root.readerCheck();
  }

  /** Number of the newest commit. */
  newest(): bigint {
    return this.#newest.read();
  }

  fileBytes(): number {
    return statSync(join(this.path, dataFile)).size;
  }

  async close(): Promise<void> {
    await this.root.close();
    this.#newest.close();
  }

  #metaRange(prefix: string): Iterable<{ key: Buffer; value: Buffer }> {
    return this.meta.getRange({ start: Buffer.from(prefix), end: Buffer.from(`${prefix}\u{10ffff}`) });
  }
}

/** A directory that holds other things is somebody else's: nothing is created in it. */
function prepare(path: string, readOnly: boolean): void {
  try {
    if (!existsSync(path)) {
      if (readOnly) throw new Fault('MR-3008', { detail: `there is no log in ${path} yet` });
      mkdirSync(path, { recursive: true });
      return;
    }
    if (!statSync(path).isDirectory())
      throw new Fault('MR-3014', { detail: `${path} is a file, not a directory` });
    const files = readdirSync(path);
    const foreign = files.filter((file) => !known.has(file));
    if (!files.includes(dataFile) && foreign.length > 0)
      throw new Fault('MR-3014', { detail: `${path} holds other files (${foreign.slice(0, 3).join(', ')})` });
    if (files.includes(dataFile)) checkDataFile(join(path, dataFile));
    // The file for waking is made last: before it, a writer is still making the log, and half of one is no log yet.
    if (readOnly && !(files.includes(dataFile) && files.includes(ownFiles.wake)))
      throw new Fault('MR-3008', { detail: `there is no log in ${path} yet` });
  } catch (error) {
    throw toLogFault(error, `opening the log in ${path}`);
  }
}

const known = new Set<string>([dataFile, 'lock.mdb', ownFiles.wake, ownFiles.writers]);
