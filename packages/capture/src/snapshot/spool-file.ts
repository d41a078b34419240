import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';

/** Rows of a table: nobody else's to read. */
const privateMode = 0o600;

/**
 * A temporary file of one process. Where the platform allows it has no name any more once it is open, so that it goes with the
 * process however that ends; elsewhere `close` removes it. What fails is MR-2016.
 */
export class SpoolFile {
  readonly #handle: FileHandle;
  /** Set where an open file keeps its name. */
  readonly #named: string | undefined;
  #end = 0;

  private constructor(handle: FileHandle, named: string | undefined) {
    this.#handle = handle;
    this.#named = named;
  }

  /** `folder`: default the system's. It needs room for a whole table. */
  static async create(folder = tmpdir()): Promise<SpoolFile> {
    const path = join(folder, `millrace-rows-${randomUUID()}`);
    const handle = await orFault(() => open(path, 'wx+', privateMode));
    const named = await unlink(path).then(
      () => undefined,
      () => path,
    );
    return new SpoolFile(handle, named);
  }

  async append(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const at = this.#end + done;
      done += (await orFault(() => this.#handle.write(bytes, done, bytes.length - done, at))).bytesWritten;
    }
    this.#end += bytes.length;
  }

  /** Fills `into` with what stands at `position`. */
  async read(into: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < into.length) {
      const at = position + done;
      const { bytesRead } = await orFault(() => this.#handle.read(into, done, into.length - done, at));
      if (bytesRead === 0) throw new Fault('MR-2016', { detail: `the temporary file ends at ${at}` });
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
    if (this.#named !== undefined) await unlink(this.#named);
  }
}

async function orFault<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new Fault('MR-2016', {
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}
