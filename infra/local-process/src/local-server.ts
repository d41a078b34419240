import { rm } from 'node:fs/promises';
import { Fault } from '@millrace/runtime';
import { ServerProcess, type ServerProgram } from './server-process.js';
import { startWatchdog, type Watchdog } from './watchdog.js';

/** A server with a folder of its own, which runs, or does not, or did and will again: what all of them can be told. */
export abstract class LocalServer implements AsyncDisposable {
  /** Holds configuration, data and `server.log`; goes with the server. */
  readonly folder: string;
  readonly #watchdog: Watchdog;
  #process: ServerProcess | undefined;

  /** `folder` is one of `makeServerFolder`. */
  protected constructor(folder: string) {
    this.folder = folder;
    this.#watchdog = startWatchdog(folder, 'KILL');
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  /** Pid of the last run; −1 before the first. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  /** Starts `program` as the server's next run, in its folder. Throws MR-7002. */
  protected async run(program: Omit<ServerProgram, 'folder'>): Promise<void> {
    if (this.running)
      throw new Fault('MR-7002', { detail: `${program.name} in ${this.folder} is running already` });
    // Kept from its first moment: it may have to be ended before it is ready.
    this.#process = ServerProcess.launch({ ...program, folder: this.folder });
    await this.#process.becomeReady();
  }

  /** Ends the server in order (SIGTERM) and keeps its data. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM');
  }

  /** SIGKILL: a crash. The data stays as it was at that moment. */
  async kill9(): Promise<void> {
    await this.#process?.kill9();
  }

  /** The server stands still (SIGSTOP): connections stay open, nothing answers. */
  pause(): void {
    this.#process?.freeze(true);
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#process?.freeze(false);
  }

  /** Ends the server at once and removes its folder. */
  async remove(): Promise<void> {
    await this.kill9();
    await this.#watchdog.release();
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}
