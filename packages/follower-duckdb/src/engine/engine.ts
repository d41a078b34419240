import { Buffer } from 'node:buffer';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBMaterializedResult,
  type DuckDBResult,
} from '@duckdb/node-api';
import { Fault } from '@millrace/runtime';
import { type DuckDbFollowerOptions, defaultMemoryLimit, defaultThreads } from '../options.js';
import { engineFault, isFatal, openFault } from './faults.js';
import { makeFile } from './new-file.js';
import { quoteName } from './sql.js';

/**
 * Files that this process has open. DuckDB's lock is the process's own: a second instance on one file in one process gets
 * it too, and would ruin the file.
 */
const openFiles = new Set<string>();

/** One open DuckDB file: a connection that writes, one that reads. */
export class Engine {
  /** `"catalog"`, quoted: the first part of every table's name. */
  readonly catalog: string;
  readonly #path: string;
  readonly #instance: DuckDBInstance;
  readonly #writer: DuckDBConnection;
  readonly #reader: DuckDBConnection;
  #broken = false;

  private constructor(
    path: string,
    catalog: string,
    instance: DuckDBInstance,
    connections: readonly [DuckDBConnection, DuckDBConnection],
  ) {
    this.#path = path;
    this.catalog = catalog;
    this.#instance = instance;
    [this.#writer, this.#reader] = connections;
  }

  /** Throws MR-4009 while someone else holds the file, MR-4012 when it is damaged or not DuckDB's. */
  static async open(options: DuckDbFollowerOptions): Promise<Engine> {
    const path = resolve(options.path);
    if (openFiles.has(path)) {
      throw new Fault('MR-4009', { detail: `${path} is open in this process already.` });
    }
    refuseForeignFile(path);
    openFiles.add(path);
    try {
      return await Engine.#openFile(path, options);
    } catch (error) {
      openFiles.delete(path);
      throw error instanceof Fault ? error : openFault(error, path);
    }
  }

  static async #openFile(path: string, options: DuckDbFollowerOptions): Promise<Engine> {
    await makeFile(path);
    const instance = await DuckDBInstance.create(path, {
      memory_limit: options.memoryLimit ?? defaultMemoryLimit,
      threads: String(options.threads ?? defaultThreads),
      // Order of insertion means nothing here, and keeping it costs memory.
      preserve_insertion_order: 'false',
      // A follower reaches for nothing outside its file.
      autoinstall_known_extensions: 'false',
      ...(options.tempDirectory === undefined ? {} : { temp_directory: options.tempDirectory }),
    });
    const writer = await instance.connect();
    const reader = await instance.connect();
    // Text of timestamps with time zone must not depend on where the process runs.
    for (const connection of [writer, reader]) await connection.run("SET TimeZone = 'UTC'");
    const rows = (await writer.run('SELECT current_database()')).getRows();
    return new Engine(path, quoteName(String((await rows)[0]?.[0])), instance, [writer, reader]);
  }

  /** False once DuckDB has given up on the open file: open it anew. */
  get usable(): boolean {
    return !this.#broken;
  }

  /** The connection of transactions, for appenders. */
  get writer(): DuckDBConnection {
    return this.#writer;
  }

  /** Runs a statement in the writer's transaction; gives the number of rows it changed. */
  async write(doing: string, sql: string): Promise<number> {
    return (await this.#run(this.#writer, doing, sql)).rowsChanged;
  }

  /** Runs a query in the writer's transaction. */
  async query(doing: string, sql: string): Promise<DuckDBMaterializedResult> {
    return await this.#run(this.#writer, doing, sql);
  }

  /** Runs a query that sees commits only. */
  async read(doing: string, sql: string): Promise<DuckDBMaterializedResult> {
    return await this.#run(this.#reader, doing, sql);
  }

  /** Streams a query over a connection of its own. */
  async *stream(doing: string, sql: string): AsyncIterable<DuckDBResult> {
    const connection = await this.#instance.connect();
    try {
      await connection.run("SET TimeZone = 'UTC'");
      yield await connection.stream(sql);
    } catch (error) {
      throw this.fault(error, doing);
    } finally {
      connection.closeSync();
    }
  }

  /** A statement's error as a fault; remembers when the engine is beyond use. */
  fault(error: unknown, doing: string): Fault {
    if (isFatal(error)) this.#broken = true;
    return engineFault(error, doing);
  }

  close(): void {
    if (!openFiles.delete(this.#path)) return;
    this.#writer.closeSync();
    this.#reader.closeSync();
    this.#instance.closeSync();
  }

  async #run(connection: DuckDBConnection, doing: string, sql: string): Promise<DuckDBMaterializedResult> {
    try {
      return await connection.run(sql);
    } catch (error) {
      throw this.fault(error, doing);
    }
  }
}

const magicAt_bytes = 8;
const magic = 'DUCK';

/** A file that is not DuckDB's is refused before the engine touches it. */
function refuseForeignFile(path: string): void {
  if (!existsSync(path)) return;
  const head = Buffer.alloc(magicAt_bytes + magic.length);
  let length: number;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw openFault(error, path);
  }
  // An empty file is one whose creation was cut short: it is made anew.
  if (length === 0 || head.toString('latin1', magicAt_bytes) === magic) return;
  throw openFault(new Error('it is not a DuckDB database'), path);
}
